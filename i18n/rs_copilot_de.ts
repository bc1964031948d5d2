<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
 <context>
  <name>RsCopilot</name>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;RS Copilot Panel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the panel where clips are located on the map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Video Panel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the video that is linked to the map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Seek Video on Map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Click on the map: the video jumps to the moments that see this point</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Open Scene…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Load a scene GeoPackage that was made earlier</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Engine and Settings…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Create or choose the engine's environment</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Telemetry from the pictures, if any</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>No telemetry beside it</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Clips</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Drop video clips, pictures or folders here</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Telemetry: {}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} located</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} tracked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} unlocated</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>No coordinate reference system: assign one first</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>RS Copilot</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Engine state</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Engine and settings…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose a raster layer or a file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Satellite layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose telemetry for the selected clip…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Remove the selected clips</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source> s</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Locate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Trac&amp;k</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>E&amp;xport…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Find where the frames of the clips lie on the satellite image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Find what moves in the located clips</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Write a layer of the scene as shapefile, GeoJSON, KML, …</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Progress of the job</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Cancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Cancel the job</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>No scene yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Error &amp;circles</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Radius around each frame that holds the true point with 90 % probability</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Zoom to the scene</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Scene</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;New Scene with the Next Locate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Satellite image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Rasters</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add clips</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Folder of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Telemetry</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose a raster file…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Satellite image</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Clips</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add videos or pictures…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add a folder of pictures…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Position and attitude</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Attitude only, no position</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>None, pixels alone</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Set Up…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>All files</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>custom CRS</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Use &amp;telemetry</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>One &amp;frame every</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine is starting…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine ready · {}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine cannot be started</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>The engine is not set up yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine starts with the first job</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Shapefile</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoPackage</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoJSON (WGS 84)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>KML for Google Earth</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>FlatGeobuf</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoParquet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Table as CSV</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Shapefiles cut field names to 10 characters; the result lists the new names.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Export a layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>&amp;Layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>&amp;Format</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>F&amp;ile</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/installation.py" />
   <source>RS Copilot: creating the engine's environment</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/job_runner.py" />
   <source>Starting…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>located</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>tracked</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>unlocated</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.0f}°</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.1f} cm/px</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.0f} m high</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Downloads pinned packages with uv.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Downloads pinned packages with pip.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>There is not enough room.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>RS Copilot: engine and settings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Test the Engine</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Environment made by the plugin</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Create Environment</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>C&amp;ancel</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Progress of the installation</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Or an interpreter of your own</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>A Python 3.10 or newer that has the engine's packages; leave it empty to use the above.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Interpreter</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Log</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The log of installation and test appears here.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>RS Copilot: looking for Python</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Starting the engine…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The engine works.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Needs about {need} of disk in {folder}; {free} are free.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The engine is not set up yet.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Looking for Python on this machine…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Create Again</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The environment is ready.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: your own interpreter</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: the environment made by the plugin</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: the development environment</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: an engine on another machine</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Nothing goes into QGIS's own Python.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/text_dialog.py" />
   <source>Details</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/text_dialog.py" />
   <source>&amp;Copy</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/time_strip.py" />
   <source>Located parts of the clip</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/time_strip.py" />
   <source>Green: located. Orange: carried from a located neighbour. Red: unlocated.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>RS Copilot Video</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Clip that is played</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Moments that see the clicked point</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Moments of the clip that see the point you clicked on the map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Keep the footprint in view</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Lay the picture on the map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Position in the clip</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>One frame back (Left)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Play or pause (Space)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>One frame on (Right)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Time in the clip</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Place of the frame</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Choose a clip in the RS Copilot panel: it plays here, linked to the map.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Opening…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_view.py" />
   <source>Video</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>No placed frame of this clip sees that point. Locate the clip, or click inside its footprints.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Locating…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Exporting…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Cancelling…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The engine's environment is not set up yet. Open the settings of RS Copilot.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Open scene</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Scenes (*.gpkg)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The engine's environment is ready.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>This raster does not say where it lies: assign its CRS first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Tracking…</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Not seen</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Neither clip, telemetry of a clip, nor raster: {}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Not used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>{} cannot be opened as a raster.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Not yet</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>No environment was made</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Frames</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Footprints</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Trajectory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Tracks</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Detections</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Candidates</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Search area</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Groundings</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Answers</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Located: matched to the map</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Tracked: carried from a located neighbour</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Unlocated</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>These options do not go together</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This file cannot be used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This clip cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This telemetry cannot be read</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This raster cannot be used</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The raster does not say where it lies</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This is no scene of RS Copilot</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Something the engine needs is missing</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The result could not be written</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Cancelled</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Something went wrong inside RS Copilot</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine ran out of memory</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine does not know this job</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine cannot be understood</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Plugin and engine do not fit together</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine stopped unexpectedly</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine could not be started</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>No frame could be placed. Is the clip inside this raster? Telemetry narrows the search.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>What had been found is kept.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} finished</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} frames matched to the map, {} carried, {} unlocated</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Choose a satellite raster first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This layer has no local file (WMS, XYZ or another service). Save the area you need with Export → Save As… and choose the saved raster.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Add at least one clip: a video, a picture, or a folder of pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Locate a clip or open a scene first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Wait for the running job, or cancel it.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Locate</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Track</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Export</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} moving objects</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Field {} is called {} there.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} rows written to {}</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Locate clip</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Finds where the frames of a UAV clip lie on a satellite raster and writes footprints, trajectory and frames with their uncertainty into a scene GeoPackage. The clip is a video, a picture, or a folder of pictures. Telemetry beside the clip is found by itself. A frame that cannot be placed is reported as unlocated with the reason.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Track moving objects</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Finds what moves in the located clips of a scene and writes detections and tracks on the ground, with speeds in metres per second, into the same scene.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Export layer of a scene</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Writes one layer of a scene as shapefile, GeoPackage, GeoJSON, KML, FlatGeobuf, GeoParquet or CSV. Field names that a shapefile has to cut are made unique and reported.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Attitude only</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Clip: a video or a picture</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>… or a folder of pictures</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Satellite raster (a local file)</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Telemetry file</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Use telemetry</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Seconds between frames</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Choose a clip or a folder of pictures.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>The satellite layer has no local file. Save the area you need as a GeoTIFF first.</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Layer</source>
   <translation type="unfinished" />
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>File</source>
   <translation type="unfinished" />
  </message>
 </context>
</TS>

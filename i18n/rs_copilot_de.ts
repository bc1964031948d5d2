<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
 <context>
  <name>RsCopilot</name>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;RS Copilot Panel</source>
   <translation>&amp;RS-Copilot-Bedienfeld</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the panel where clips are located on the map</source>
   <translation>Bedienfeld zum Verorten von Clips auf der Karte ein- oder ausblenden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Video Panel</source>
   <translation>&amp;Videobedienfeld</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the video that is linked to the map</source>
   <translation>Mit der Karte verknüpftes Video ein- oder ausblenden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Look Panel</source>
   <translation>Be&amp;trachten-Bedienfeld</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the panel where a model is asked about the map and the video</source>
   <translation>Das Bedienfeld zeigen oder verbergen, in dem ein Modell zu Karte und Video befragt wird</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>As&amp;k Panel</source>
   <translation>&amp;Fragen-Fenster</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Show or hide the panel where questions to the scene are answered with evidence</source>
   <translation>Das Fenster zeigen oder verbergen, in dem Fragen an die Szene mit Belegen beantwortet werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Seek Video on Map</source>
   <translation>Video&amp;stelle auf der Karte suchen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Click on the map: the video jumps to the moments that see this point</source>
   <translation>In die Karte klicken: Das Video springt zu den Momenten, die diesen Punkt zeigen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Open Scene…</source>
   <translation>Szene ö&amp;ffnen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Load a scene GeoPackage that was made earlier</source>
   <translation>Ein früher erstelltes Szenen-GeoPackage laden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Models…</source>
   <translation>&amp;Modelle…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Fetch, verify and remove the models that the Look panel asks</source>
   <translation>Die Modelle holen, prüfen und entfernen, die das Betrachten-Bedienfeld befragt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>&amp;Engine and Settings…</source>
   <translation>&amp;Engine und Einstellungen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/actions.py" />
   <source>Create or choose the engine's environment</source>
   <translation>Umgebung der Engine erstellen oder wählen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Question</source>
   <translation>Frage</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Sure</source>
   <translation>Sicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>a place</source>
   <translation>ein Ort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Layers…</source>
   <translation>Layer…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Wait for the answer, or press Esc.</source>
   <translation>Warten Sie auf die Antwort, oder drücken Sie Esc.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>The engine is not set up yet.</source>
   <translation>Die Engine ist noch nicht eingerichtet.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Open a scene first, or locate a clip in the RS Copilot panel.</source>
   <translation>Öffnen Sie zuerst eine Szene, oder verorten Sie einen Clip im Fenster „RS Copilot“.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Write what you want to know.</source>
   <translation>Schreiben Sie, was Sie wissen wollen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>with the region on the map</source>
   <translation>mit dem Gebiet auf der Karte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Fairly sure</source>
   <translation>Ziemlich sicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>planned without the model</source>
   <translation>ohne das Modell geplant</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>planned by {}</source>
   <translation>geplant von {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Frame</source>
   <translation>Bild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Track</source>
   <translation>Verfolgen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Measurement</source>
   <translation>Messung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Place</source>
   <translation>Ort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>corrected by hand</source>
   <translation>von Hand berichtigt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Not used</source>
   <translation>Nicht verwendet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Zones: areas with names</source>
   <translation>Zonen: Flächen mit Namen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Roads</source>
   <translation>Straßen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Obstacles: buildings, trees, with heights</source>
   <translation>Hindernisse: Gebäude, Bäume, mit Höhen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Places</source>
   <translation>Orte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Layers: {}</source>
   <translation>Layer: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Evidence:</source>
   <translation>Belege:</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Questions to {}</source>
   <translation>Fragen an {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>I cannot tell: {}.</source>
   <translation>Das kann ich nicht sagen: {}.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>no reason was given</source>
   <translation>es wurde kein Grund genannt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Stopped.</source>
   <translation>Angehalten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Given before the scene was last changed. Ask again?</source>
   <translation>Gegeben, bevor die Szene zuletzt geändert wurde. Noch einmal fragen?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>nothing was sent away</source>
   <translation>nichts wurde gesendet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Rather unsure</source>
   <translation>Eher unsicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Unsure</source>
   <translation>Unsicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>target visibility</source>
   <translation>Sichtbarkeit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>scene association</source>
   <translation>Zuordnung der Szene</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>zone counting</source>
   <translation>Zählen in Zonen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>temporal grounding</source>
   <translation>Zeitpunkt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>event geo-localization</source>
   <translation>Ort eines Ereignisses</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>trajectory matching</source>
   <translation>Zuordnung von Bahnen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>relative distance</source>
   <translation>Entfernung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>relative direction</source>
   <translation>Richtung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>occlusion attribution</source>
   <translation>Verdeckung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>region reachability</source>
   <translation>Erreichbarkeit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>spatiotemporal ordering</source>
   <translation>Reihenfolge</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>region interaction</source>
   <translation>Fahrten zwischen Gebieten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>sent to {}</source>
   <translation>gesendet an {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>No answer came.</source>
   <translation>Es kam keine Antwort.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>It can be asked without a model, too: choose “No model” above.</source>
   <translation>Das lässt sich auch ohne Modell fragen: Wählen Sie oben „Kein Modell“.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>What would settle it: {}</source>
   <translation>Was es klären würde: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Understood as: {}</source>
   <translation>Verstanden als: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Not understood: {}</source>
   <translation>Nicht verstanden: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/ask_texts.py" />
   <source>Map with the evidence</source>
   <translation>Karte mit den Belegen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Reading the layers…</source>
   <translation>Layer werden gelesen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Asking…</source>
   <translation>Frage wird gestellt…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Starting the engine…</source>
   <translation>Engine wird gestartet…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Answering…</source>
   <translation>Antwort kommt…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Evidence: {}</source>
   <translation>Belege: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>A layer cannot be read: {}</source>
   <translation>Ein Layer kann nicht gelesen werden: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_controller.py" />
   <source>Stopping… Once more ends the engine.</source>
   <translation>Wird angehalten… Noch einmal beendet die Engine.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>There is no track and no object near that place that it could be.</source>
   <translation>In der Nähe dieser Stelle gibt es keine Spur und kein Objekt, das es sein könnte.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>&amp;Drag the Frame to Where It Lies…</source>
   <translation>Das &amp;Bild dorthin ziehen, wo es liegt…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>&amp;Undo the Last Correction</source>
   <translation>Die &amp;letzte Berichtigung rückgängig machen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>What the Scene &amp;Knows…</source>
   <translation>Was die Szene &amp;weiß…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Corrections</source>
   <translation>Berichtigungen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>It Is the &amp;Same as</source>
   <translation>Es ist &amp;dasselbe wie</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>&amp;Choose on the Map…</source>
   <translation>Auf der &amp;Karte wählen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>It Is Really &amp;a</source>
   <translation>Es ist eigentlich &amp;ein</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>&amp;Another Class…</source>
   <translation>Eine &amp;andere Klasse…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>It Is &amp;Not There</source>
   <translation>Es ist &amp;nicht da</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Another class</source>
   <translation>Eine andere Klasse</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>What is it really? For example: truck</source>
   <translation>Was ist es wirklich? Zum Beispiel: truck</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Click the track or object on the map that is the same. Esc: leave it.</source>
   <translation>Klicken Sie auf der Karte auf die Spur oder das Objekt, das dasselbe ist. Esc: es lassen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Click a track or an object on the map. Esc: leave it.</source>
   <translation>Klicken Sie auf der Karte auf eine Spur oder ein Objekt. Esc: es lassen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>&amp;Choose a Track or an Object on the Map…</source>
   <translation>Eine Spur oder ein Objekt auf der &amp;Karte wählen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Nothing chosen</source>
   <translation>Nichts gewählt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Writing into the scene…</source>
   <translation>Schreibe in die Szene…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Corrected</source>
   <translation>Berichtigt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_corrections.py" />
   <source>Where the frame lies</source>
   <translation>Wo das Bild liegt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_desk.py" />
   <source>Export report</source>
   <translation>Bericht speichern</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_desk.py" />
   <source>Drawing maps: {} of {}</source>
   <translation>Karten werden gezeichnet: {} von {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_desk.py" />
   <source>Report written</source>
   <translation>Bericht geschrieben</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_desk.py" />
   <source>The report could not be written</source>
   <translation>Der Bericht konnte nicht geschrieben werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Ask: {}</source>
   <translation>Fragen: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Detach: {}</source>
   <translation>Abnehmen: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>RS Copilot Ask</source>
   <translation>RS Copilot: Fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Which layers of the project take part</source>
   <translation>Welche Layer des Projekts mitwirken</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Ask what the clip saw, where, when, how many, how far. Answers are computed from the scene and your layers, and show their evidence on the map.</source>
   <translation>Fragen Sie, was der Clip gesehen hat, wo, wann, wie viele, wie weit. Antworten werden aus der Szene und Ihren Layern berechnet und zeigen ihre Belege auf der Karte.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Evidence of the answer</source>
   <translation>Belege der Antwort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Suggested questions</source>
   <translation>Vorgeschlagene Fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>What goes with the question</source>
   <translation>Was zur Frage gehört</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>How many vehicles entered the market?</source>
   <translation>How many vehicles entered the market? (Fragen auf Englisch)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Change a question and ask again (Up in the empty box: the last one)</source>
   <translation>Eine Frage ändern und neu stellen (Pfeil nach oben im leeren Feld: die letzte)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Ask the same question again</source>
   <translation>Dieselbe Frage noch einmal stellen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Ask again</source>
   <translation>Noch einmal fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Correct what the chosen evidence shows</source>
   <translation>Berichtigen, was der gewählte Beleg zeigt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>What the scene knows: inspect, correct, clear</source>
   <translation>Was die Szene weiß: ansehen, berichtigen, leeren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Copy the answer as Markdown</source>
   <translation>Die Antwort als Markdown kopieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Put the evidence into the project as a layer</source>
   <translation>Die Belege als Layer ins Projekt legen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Export the conversation as a report</source>
   <translation>Das Gespräch als Bericht speichern</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>As a &amp;Web Page (HTML)…</source>
   <translation>Als &amp;Webseite (HTML)…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>As a &amp;PDF…</source>
   <translation>Als &amp;PDF…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Draw a region on the map; the question can say “the region”</source>
   <translation>Ein Gebiet auf der Karte zeichnen; die Frage kann „the region“ sagen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Region</source>
   <translation>Gebiet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Attach the selected features of the active layer as marks A, B, C</source>
   <translation>Die gewählten Objekte des aktiven Layers als Marken A, B, C beifügen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Selection</source>
   <translation>Auswahl</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Ask about the frame in the video; the question can say “now”</source>
   <translation>Nach dem Bild im Video fragen; die Frage kann „now“ sagen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Now</source>
   <translation>Jetzt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>The region</source>
   <translation>Das Gebiet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_dock.py" />
   <source>Now = {:.1f} s</source>
   <translation>Jetzt = {:.1f} s</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_layers_dialog.py" />
   <source>Layers that take part in answers</source>
   <translation>Layer, die an Antworten mitwirken</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_layers_dialog.py" />
   <source>Questions can name features of these layers: zones, roads for ways, obstacles that hide what is behind them, places. The choice is kept in the project.</source>
   <translation>Fragen können Objekte dieser Layer nennen: Zonen, Straßen für Wege, Hindernisse, die verdecken, was hinter ihnen liegt, Orte. Die Wahl wird im Projekt gespeichert.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_layers_dialog.py" />
   <source>The project has no vector layers of your own yet.</source>
   <translation>Das Projekt hat noch keine eigenen Vektorlayer.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_layers_dialog.py" />
   <source>What {} holds</source>
   <translation>Was {} enthält</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/ask_report.py" />
   <source>Answered by RS Copilot from the scene and layers of the project. Questions: {}.</source>
   <translation>Von RS Copilot aus der Szene und Layern des Projekts beantwortet. Fragen: {}.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>As&amp;k</source>
   <translation>&amp;Fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>Ask (Enter)</source>
   <translation>Fragen (Eingabetaste)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>S&amp;top</source>
   <translation>&amp;Anhalten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>Stop the answer (Esc); what was said stays</source>
   <translation>Die Antwort anhalten (Esc); was gesagt wurde, bleibt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>Progress of the answer</source>
   <translation>Fortschritt der Antwort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/asking.py" />
   <source>State of the answer</source>
   <translation>Stand der Antwort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Telemetry from the pictures, if any</source>
   <translation>Telemetrie aus den Bildern, falls vorhanden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>No telemetry beside it</source>
   <translation>Keine Telemetrie daneben</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Clips</source>
   <translation>Clips</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Drop video clips, pictures or folders here</source>
   <translation>Videoclips, Bilder oder Ordner hier ablegen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} control points</source>
   <translation>{} Passpunkte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Telemetry: {}</source>
   <translation>Telemetrie: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} located</source>
   <translation>{} verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} tracked</source>
   <translation>{} übertragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>{} unlocated</source>
   <translation>{} nicht verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/clip_list.py" />
   <source>Unlocated mostly because: {}</source>
   <translation>Meist nicht verortet, weil: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>Control points</source>
   <translation>Passpunkte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>Remove the selected control point</source>
   <translation>Ausgewählten Passpunkt entfernen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>Drag the frame on the map to where it belongs; with Shift, turn it</source>
   <translation>Das Bild auf der Karte dorthin ziehen, wo es hingehört; mit der Umschalttaste drehen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>&lt;b&gt;1.&lt;/b&gt; This is the nearest frame that is located: click the point in it again.</source>
   <translation>&lt;b&gt;1.&lt;/b&gt; Dies ist das nächste Bild, das verortet wird: Klicken Sie den Punkt darin noch einmal an.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>&lt;b&gt;2.&lt;/b&gt; Now click the same point on the map.</source>
   <translation>&lt;b&gt;2.&lt;/b&gt; Klicken Sie jetzt denselben Punkt auf der Karte an.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>frame dragged, ±{:.1f} m</source>
   <translation>Bild gezogen, ±{:.1f} m</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>Drag the frame of the picture on the map to where it belongs; hold Shift to turn it.</source>
   <translation>Den Umriss des Bildes auf der Karte dorthin ziehen, wo er hingehört; mit der Umschalttaste wird gedreht.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_box.py" />
   <source>&lt;b&gt;1.&lt;/b&gt; Click a point in the picture that you can see on the map, too.</source>
   <translation>&lt;b&gt;1.&lt;/b&gt; Klicken Sie im Bild einen Punkt an, der auch auf der Karte zu sehen ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/control_controller.py" />
   <source>Control point</source>
   <translation>Passpunkt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/conversation_view.py" />
   <source>Conversation</source>
   <translation>Gespräch</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/conversation_view.py" />
   <source>Answers appear here. A click on a line that names a place lights it up on the map.</source>
   <translation>Hier erscheinen die Antworten. Ein Klick auf eine Zeile, die einen Ort nennt, lässt ihn auf der Karte aufleuchten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Export: write a layer of the scene as shapefile, GeoJSON, KML, …</source>
   <translation>Export: einen Layer der Szene als Shapefile, GeoJSON, KML schreiben, …</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>No coordinate reference system: assign one first</source>
   <translation>Kein Koordinatenbezugssystem: zuerst eines zuweisen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>RS Copilot</source>
   <translation>RS Copilot</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Locate and track</source>
   <translation>Verorten und verfolgen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Find objects</source>
   <translation>Objekte finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Engine state</source>
   <translation>Zustand der Engine</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Engine and settings…</source>
   <translation>Engine und Einstellungen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose a raster layer or a file</source>
   <translation>Rasterlayer oder Datei wählen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Satellite layer</source>
   <translation>Satellitenlayer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose telemetry for the selected clip…</source>
   <translation>Telemetrie für den gewählten Clip wählen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Remove the selected clips</source>
   <translation>Gewählte Clips entfernen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source> s</source>
   <translation> s</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Locate</source>
   <translation>&amp;Verorten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Trac&amp;k</source>
   <translation>Ver&amp;folgen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Find where the frames of the clips lie on the satellite image</source>
   <translation>Ermitteln, wo die Einzelbilder der Clips auf dem Satellitenbild liegen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Find what moves in the located clips</source>
   <translation>Bewegte Objekte in den verorteten Clips finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Progress of the job</source>
   <translation>Fortschritt des Auftrags</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Cancel</source>
   <translation>Abbrechen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Cancel the job</source>
   <translation>Auftrag abbrechen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>No scene yet</source>
   <translation>Noch keine Szene</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Error &amp;circles</source>
   <translation>Fehle&amp;rkreise</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Radius around each frame that holds the true point with 90 % probability</source>
   <translation>Radius um jedes Einzelbild, der den wahren Punkt mit 90 % Wahrscheinlichkeit enthält</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Zoom to the scene</source>
   <translation>Auf die Szene zoomen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Scene</source>
   <translation>Szene</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;New Scene with the Next Job</source>
   <translation>&amp;Neue Szene mit dem nächsten Auftrag</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>E&amp;xport a Layer…</source>
   <translation>Einen Layer e&amp;xportieren…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Satellite image</source>
   <translation>Satellitenbild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Rasters</source>
   <translation>Raster</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add clips</source>
   <translation>Clips hinzufügen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Folder of pictures</source>
   <translation>Bilderordner</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Telemetry</source>
   <translation>Telemetrie</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Choose a raster file…</source>
   <translation>Rasterdatei wählen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Satellite image</source>
   <translation>&amp;Satellitenbild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>&amp;Clips</source>
   <translation>&amp;Clips</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add videos or pictures…</source>
   <translation>Videos oder Bilder hinzufügen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Add a folder of pictures…</source>
   <translation>Bilderordner hinzufügen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Position and attitude</source>
   <translation>Position und Ausrichtung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Attitude only, no position</source>
   <translation>Nur Ausrichtung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>None, pixels alone</source>
   <translation>Ohne, nur Pixel</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Set Up…</source>
   <translation>Einrichten…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>All files</source>
   <translation>Alle Dateien</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>custom CRS</source>
   <translation>benutzerdefiniertes KBS</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>Use &amp;telemetry</source>
   <translation>&amp;Telemetrie</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/dock.py" />
   <source>One &amp;frame every</source>
   <translation>&amp;Ein Bild alle</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine is starting…</source>
   <translation>Engine startet…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine ready · {}</source>
   <translation>Engine bereit · {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine cannot be started</source>
   <translation>Engine kann nicht gestartet werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>The engine is not set up yet</source>
   <translation>Die Engine ist noch nicht eingerichtet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/engine_host.py" />
   <source>Engine starts with the first job</source>
   <translation>Engine startet bei Bedarf</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Shapefile</source>
   <translation>Shapedatei</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoPackage</source>
   <translation>GeoPackage</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoJSON (WGS 84)</source>
   <translation>GeoJSON (WGS 84)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>KML for Google Earth</source>
   <translation>KML für Google Earth</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>FlatGeobuf</source>
   <translation>FlatGeobuf</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>GeoParquet</source>
   <translation>GeoParquet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Table as CSV</source>
   <translation>Tabelle als CSV</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Shapefiles cut field names to 10 characters; the result lists the new names.</source>
   <translation>Shapedateien kürzen Feldnamen auf 10 Zeichen; das Ergebnis nennt die neuen Namen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>Export a layer</source>
   <translation>Layer exportieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>&amp;Layer</source>
   <translation>&amp;Layer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>&amp;Format</source>
   <translation>&amp;Format</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/export_dialog.py" />
   <source>F&amp;ile</source>
   <translation>&amp;Datei</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Find objects and draw them as polygons on the map, while the search goes on</source>
   <translation>Objekte finden und noch während der Suche als Polygone in die Karte zeichnen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Detectors: ONNX file, or config.json of a zero-shot model (*.onnx config.json)</source>
   <translation>Detektoren: ONNX-Datei oder config.json eines Zero-Shot-Modells (*.onnx config.json)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Detector</source>
   <translation>Detektor</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>What moves (clips only)</source>
   <translation>Was sich bewegt (nur Clips)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Vehicles (comes with RS Copilot)</source>
   <translation>Fahrzeuge (gehört zu RS Copilot)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Fi&amp;nd Objects</source>
   <translation>Objekte fi&amp;nden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Result of the search</source>
   <translation>Ergebnis der Suche</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>all, or some: car, bus</source>
   <translation>alle, oder: car, bus</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Use a detector of your own…</source>
   <translation>Einen eigenen Detektor verwenden…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>own limit</source>
   <translation>eigene Grenze</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Lowest score</source>
   <translation>Niedrigster Wert</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Lowest score that counts. With “own limit” that of the detector holds.</source>
   <translation>Niedrigster Wert (Score), der zählt. Bei „eigene Grenze“ gilt die des Detektors.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Layer with the selected polygons</source>
   <translation>Layer mit den gewählten Polygonen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Whole layer</source>
   <translation>Ganzer Layer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>What the map shows</source>
   <translation>Was die Karte zeigt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Selected polygons of</source>
   <translation>Gewählte Polygone von</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>words: white van, pool</source>
   <translation>Wörter: white van, pool</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>L&amp;ook in</source>
   <translation>S&amp;uchen in</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>&amp;Detector</source>
   <translation>&amp;Detektor</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Cl&amp;asses</source>
   <translation>Kl&amp;assen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>&amp;Where</source>
   <translation>&amp;Wo</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/find_box.py" />
   <source>Satellite image: {}</source>
   <translation>Satellitenbild: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/installation.py" />
   <source>RS Copilot: creating the engine's environment</source>
   <translation>RS Copilot: Umgebung der Engine wird erstellt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/job_runner.py" />
   <source>Starting… The first time this may take a minute.</source>
   <translation>Startet… Beim ersten Mal kann das eine Minute dauern.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/job_runner.py" />
   <source>Starting…</source>
   <translation>Startet…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>RS Copilot Look</source>
   <translation>RS Copilot Betrachten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Names</source>
   <translation>Namen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Keep the objects in the scene</source>
   <translation>Die Objekte in der Szene behalten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Take what was kept last out of the scene again</source>
   <translation>Was zuletzt behalten wurde, wieder aus der Szene nehmen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Copy the conversation as text</source>
   <translation>Das Gespräch als Text kopieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>New conversation</source>
   <translation>Neues Gespräch</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Task</source>
   <translation>Aufgabe</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Picture</source>
   <translation>Bild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Draw a box on the map</source>
   <translation>Ein Rechteck auf der Karte aufziehen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>How closely the model looks, and its memory</source>
   <translation>Wie genau das Modell hinsieht, und sein Speicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>&amp;Zoom in by itself where the picture is large</source>
   <translation>Bei großen Bildern von selbst &amp;näher heran</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>&amp;Max mode for detection: finer, slower</source>
   <translation>&amp;Max-Modus beim Erkennen: feiner, langsamer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>&amp;Free the memory of the model</source>
   <translation>Den Speicher des Modells &amp;freigeben</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>This question takes the place of the former one, and of all after it. Esc: leave it.</source>
   <translation>Diese Frage ersetzt die frühere und alles danach. Esc: doch nicht.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>As&amp;k Again</source>
   <translation>Neu &amp;fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Keep</source>
   <translation>Behalten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>As {}</source>
   <translation>Als {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/look_dock.py" />
   <source>Keep {}</source>
   <translation>{} behalten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Forget the list of corrections? What was corrected stays so and cannot be undone.</source>
   <translation>Die Liste der Berichtigungen vergessen? Was berichtigt wurde, bleibt so und lässt sich nicht mehr rückgängig machen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>What the scene knows</source>
   <translation>Was die Szene weiß</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Layers of the scene</source>
   <translation>Layer der Szene</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>&amp;Clear the Layer…</source>
   <translation>Den Layer &amp;leeren…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Layers of your own</source>
   <translation>Ihre eigenen Layer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Change What They &amp;Hold…</source>
   <translation>Ändern, was sie &amp;enthalten…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>&amp;Undo</source>
   <translation>&amp;Rückgängig</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Undo &amp;All</source>
   <translation>&amp;Alle rückgängig</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>&amp;Forget the List…</source>
   <translation>Die Liste &amp;vergessen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>What was corrected stays corrected; it cannot be undone any more</source>
   <translation>Was berichtigt wurde, bleibt berichtigt; es lässt sich nicht mehr rückgängig machen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Layer</source>
   <translation>Layer</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Rows</source>
   <translation>Zeilen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Holds</source>
   <translation>Enthält</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>Correction</source>
   <translation>Berichtigung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/memory_dialog.py" />
   <source>When</source>
   <translation>Wann</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>Model</source>
   <translation>Modell</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>Precision</source>
   <translation>Genauigkeit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>How exactly the model calculates, and the memory that it needs so</source>
   <translation>Wie genau das Modell rechnet und wie viel Speicher es so braucht</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>Models: fetch, verify, remove, add your own…</source>
   <translation>Modelle: holen, prüfen, entfernen, eigene hinzufügen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>Where pixels go</source>
   <translation>Wohin Pixel gehen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>A server…</source>
   <translation>Ein Server…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>No model: computed only</source>
   <translation>Kein Modell: nur berechnet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/model_row.py" />
   <source>Choose a model</source>
   <translation>Modell wählen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_controller.py" />
   <source>{} finished</source>
   <translation>{} abgeschlossen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_controller.py" />
   <source>{} was left as it is.</source>
   <translation>{} blieb, wie es ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>RS Copilot: models</source>
   <translation>RS Copilot: Modelle</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Show the folder</source>
   <translation>Den Ordner zeigen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Models</source>
   <translation>Modelle</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Details</source>
   <translation>Details</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Fetch</source>
   <translation>&amp;Holen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Verify</source>
   <translation>&amp;Prüfen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Compare all files with their hashes</source>
   <translation>Alle Dateien mit ihren Prüfsummen vergleichen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Remove…</source>
   <translation>&amp;Entfernen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Add a F&amp;older…</source>
   <translation>&amp;Ordner hinzufügen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>A model that lies in a folder of your own, for example copied from elsewhere</source>
   <translation>Ein Modell in einem eigenen Ordner, zum Beispiel von anderswo kopiert</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Add a &amp;Server…</source>
   <translation>&amp;Server hinzufügen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>C&amp;ancel</source>
   <translation>&amp;Abbrechen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Remove a model</source>
   <translation>Ein Modell entfernen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Folder of a model</source>
   <translation>Ordner eines Modells</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Add a model</source>
   <translation>Ein Modell hinzufügen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Copy</source>
   <translation>&amp;Kopieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Use Where It Lies</source>
   <translation>&amp;Dort benutzen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>State</source>
   <translation>Stand</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Size</source>
   <translation>Größe</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Memory</source>
   <translation>Speicher</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Licence</source>
   <translation>Lizenz</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Suits this machine best</source>
   <translation>Passt am besten zu diesem Rechner</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>&amp;Go On Fetching</source>
   <translation>&amp;Weiter holen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Fetch a model</source>
   <translation>Ein Modell holen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Copy the model in {} to the other models, or use it where it lies?</source>
   <translation>Das Modell in {} zu den anderen Modellen kopieren oder dort benutzen, wo es liegt?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/models_dialog.py" />
   <source>Server</source>
   <translation>Server</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/offer_card.py" />
   <source>&amp;Fetch This Model…</source>
   <translation>Dieses Modell &amp;holen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/offer_card.py" />
   <source>All &amp;Models…</source>
   <translation>Alle &amp;Modelle…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/offer_card.py" />
   <source>A &amp;Server…</source>
   <translation>Ein &amp;Server…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/offer_card.py" />
   <source>Set &amp;Up the Engine…</source>
   <translation>Engine &amp;einrichten…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/offer_card.py" />
   <source>No model is on this machine yet</source>
   <translation>Auf diesem Rechner ist noch kein Modell</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>located</source>
   <translation>verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>tracked</source>
   <translation>übertragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>unlocated</source>
   <translation>nicht verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.0f}°</source>
   <translation>{:.0f}°</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.1f} cm/px</source>
   <translation>{:.1f} cm/px</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/player_controller.py" />
   <source>{:.0f} m high</source>
   <translation>{:.0f} m hoch</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/question_dock.py" />
   <source>What is missing</source>
   <translation>Was fehlt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/question_edit.py" />
   <source>Enter asks, Shift+Enter begins a new line, Esc stops the answer.</source>
   <translation>Eingabe fragt, Umschalt+Eingabe beginnt eine neue Zeile, Esc hält die Antwort an.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>Ask a server</source>
   <translation>Einen Server befragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>Any server that speaks the OpenAI protocol: vLLM, llama.cpp, Ollama, LM Studio. It gets the pictures that you ask about, and the words of the conversation.</source>
   <translation>Jeder Server, der das OpenAI-Protokoll spricht: vLLM, llama.cpp, Ollama, LM Studio. Er bekommt die Bilder, nach denen Sie fragen, und die Worte des Gesprächs.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>where one is needed; forgotten when QGIS closes</source>
   <translation>wo einer nötig ist; vergessen, wenn QGIS schließt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>An address begins with http:// or https:// and has no password in it.</source>
   <translation>Eine Adresse beginnt mit http:// oder https:// und enthält kein Passwort.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>&amp;Address</source>
   <translation>&amp;Adresse</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>&amp;Model</source>
   <translation>&amp;Modell</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/server_dialog.py" />
   <source>&amp;Key</source>
   <translation>&amp;Schlüssel</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Downloads pinned packages with uv.</source>
   <translation>Lädt festgelegte Paketversionen mit uv herunter.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Downloads pinned packages with pip.</source>
   <translation>Lädt festgelegte Paketversionen mit pip herunter.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>There is not enough room.</source>
   <translation>Der Speicherplatz reicht nicht aus.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>RS Copilot: engine and settings</source>
   <translation>RS Copilot: Engine und Einstellungen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Test the Engine</source>
   <translation>Engine &amp;testen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Environment made by the plugin</source>
   <translation>Vom Plugin erstellte Umgebung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>With &amp;training (about 200 MB more to download)</source>
   <translation>Mit &amp;Training (etwa 200 MB mehr herunterzuladen)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Packages that “Adapt the tile search to a layer” in the Processing toolbox needs</source>
   <translation>Pakete, die „Kachelsuche an einen Layer anpassen“ in der Verarbeitungswerkzeugkiste braucht</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Create Environment</source>
   <translation>Umgebung &amp;erstellen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Progress of the installation</source>
   <translation>Fortschritt der Installation</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Or an interpreter of your own</source>
   <translation>Oder ein eigener Interpreter</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>A Python 3.10 or newer that has the engine's packages; leave it empty to use the above.</source>
   <translation>Python 3.10 oder neuer mit den Paketen der Engine; leer lassen, um die obige Umgebung zu verwenden.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Interpreter</source>
   <translation>Interpreter</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Log</source>
   <translation>Protokoll</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The log of installation and test appears here.</source>
   <translation>Hier erscheint das Protokoll von Installation und Test.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>RS Copilot: looking for Python</source>
   <translation>RS Copilot: Python wird gesucht</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The engine works.</source>
   <translation>Die Engine funktioniert.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Needs about {need} of disk in {folder}; {free} are free.</source>
   <translation>Benötigt etwa {need} Speicherplatz in {folder}; {free} sind frei.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Looking for Python on this machine…</source>
   <translation>Python wird auf diesem Rechner gesucht…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>The environment is ready.</source>
   <translation>Die Umgebung ist bereit.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: your own interpreter</source>
   <translation>In Verwendung: eigener Interpreter</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: the environment made by the plugin</source>
   <translation>In Verwendung: vom Plugin erstellte Umgebung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: the development environment</source>
   <translation>In Verwendung: Entwicklungsumgebung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>In use: an engine on another machine</source>
   <translation>In Verwendung: Engine auf einem anderen Rechner</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>&amp;Create Again</source>
   <translation>Neu &amp;erstellen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/settings_dialog.py" />
   <source>Nothing goes into QGIS's own Python.</source>
   <translation>Das Python von QGIS bleibt unverändert.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/time_strip.py" />
   <source>Located parts of the clip</source>
   <translation>Verortete Abschnitte des Clips</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/time_strip.py" />
   <source>Green: located. Orange: carried from a located neighbour. Red: unlocated.</source>
   <translation>Grün: verortet. Orange: von einem verorteten Nachbarn übertragen. Rot: nicht verortet.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Set control points: click the same place in the picture and on the map</source>
   <translation>Passpunkte setzen: dieselbe Stelle im Bild und auf der Karte anklicken</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>RS Copilot Video</source>
   <translation>RS Copilot Video</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>±: the radius that holds the true image centre with 90 % probability. %: how probably it lies within 25 m of the place shown.</source>
   <translation>±: der Radius, in dem die wahre Bildmitte mit 90 % Wahrscheinlichkeit liegt. %: wie wahrscheinlich sie höchstens 25 m von der gezeigten Stelle entfernt ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Clip that is played</source>
   <translation>Wiedergegebener Clip</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Moments that see the clicked point</source>
   <translation>Momente, die den angeklickten Punkt zeigen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Moments of the clip that see the point you clicked on the map</source>
   <translation>Momente des Clips, die den auf der Karte angeklickten Punkt zeigen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Keep the footprint in view</source>
   <translation>Bildabdeckung im Kartenausschnitt halten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Lay the picture on the map</source>
   <translation>Bild auf die Karte legen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Position in the clip</source>
   <translation>Position im Clip</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>One frame back (Left)</source>
   <translation>Ein Einzelbild zurück (Links)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Play or pause (Space)</source>
   <translation>Wiedergabe oder Pause (Leertaste)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>One frame on (Right)</source>
   <translation>Ein Einzelbild vor (Rechts)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Time in the clip</source>
   <translation>Zeit im Clip</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Place of the frame</source>
   <translation>Ort des Einzelbilds</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Choose a clip in the RS Copilot panel: it plays here, linked to the map.</source>
   <translation>Einen Clip im RS-Copilot-Bedienfeld wählen: Er wird hier wiedergegeben, mit der Karte verknüpft.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_panel.py" />
   <source>Opening…</source>
   <translation>Wird geöffnet…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/video_view.py" />
   <source>Video</source>
   <translation>Video</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>No placed frame of this clip sees that point. Locate the clip, or click inside its footprints.</source>
   <translation>Kein platziertes Einzelbild dieses Clips zeigt diesen Punkt. Den Clip verorten oder in seine Bildabdeckungen klicken.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Locating…</source>
   <translation>Wird verortet…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Searching…</source>
   <translation>Suche läuft…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Exporting…</source>
   <translation>Wird exportiert…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Cancelling…</source>
   <translation>Wird abgebrochen…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The engine's environment is not set up yet. Open the settings of RS Copilot.</source>
   <translation>Die Umgebung der Engine ist noch nicht eingerichtet. Die Einstellungen von RS Copilot öffnen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Open scene</source>
   <translation>Szene öffnen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Scenes (*.gpkg)</source>
   <translation>Szenen (*.gpkg)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The engine's environment is ready.</source>
   <translation>Die Umgebung der Engine ist bereit.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>This raster does not say where it lies: assign its CRS first.</source>
   <translation>Dieses Raster sagt nicht, wo es liegt: zuerst sein KBS zuweisen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Tracking…</source>
   <translation>Wird verfolgt…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The selected polygons cannot be read</source>
   <translation>Die gewählten Polygone können nicht gelesen werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>The clip plays here as soon as the engine is set up.</source>
   <translation>Der Clip läuft hier, sobald die Engine eingerichtet ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Not seen</source>
   <translation>Nicht zu sehen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Neither clip, telemetry of a clip, nor raster: {}</source>
   <translation>Weder Clip noch Telemetrie eines Clips noch Raster: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>{} cannot be opened as a raster.</source>
   <translation>{} kann nicht als Raster geöffnet werden.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>Not yet</source>
   <translation>Noch nicht möglich</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/gui/workbench.py" />
   <source>No environment was made</source>
   <translation>Es wurde keine Umgebung erstellt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/look_layer.py" />
   <source>Look</source>
   <translation>Betrachten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Frames</source>
   <translation>Einzelbilder</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Footprints</source>
   <translation>Bildabdeckungen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Trajectory</source>
   <translation>Trajektorie</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Tracks</source>
   <translation>Tracks</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Detections</source>
   <translation>Detektionen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Candidates</source>
   <translation>Kandidaten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Search area</source>
   <translation>Suchgebiet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Segments</source>
   <translation>Segmente</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Groundings</source>
   <translation>Fundstellen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Where the model looked</source>
   <translation>Wohin das Modell sah</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/scene_group.py" />
   <source>Answers</source>
   <translation>Antworten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Located: matched to the map</source>
   <translation>Verortet: mit der Karte abgeglichen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Tracked: carried from a located neighbour</source>
   <translation>Übertragen: von einem verorteten Nachbarn</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Unlocated</source>
   <translation>Nicht verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Others</source>
   <translation>Andere</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Found by motion</source>
   <translation>An der Bewegung erkannt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Where an unlocated frame may be: about half</source>
   <translation>Wo ein nicht verortetes Bild sein kann: zu etwa 50 %</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Where an unlocated frame may be: about 90 %</source>
   <translation>Wo ein nicht verortetes Bild sein kann: zu etwa 90 %</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Best candidate</source>
   <translation>Bester Kandidat</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/layers/styles.py" />
   <source>Other candidates</source>
   <translation>Andere Kandidaten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Nothing can be asked without a model. Locating clips, tracking, finding objects with a detector, and searching tiles need none: they are in the RS Copilot panel and in the Processing toolbox.</source>
   <translation>Ohne Modell kann nichts gefragt werden. Clips verorten, verfolgen, Objekte mit einem Detektor finden und Kacheln suchen brauchen keines: sie sind im RS-Copilot-Bedienfeld und in der Verarbeitungswerkzeugkiste.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>No model of the list fits into this machine's memory. A server of your own, or one in your network, can answer in its place.</source>
   <translation>Kein Modell der Liste passt in den Speicher dieses Rechners. Ein eigener Server oder einer in Ihrem Netz kann an seiner Stelle antworten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Delete the files of {} ({})? They can be fetched again.</source>
   <translation>Die Dateien von {} löschen ({})? Sie können wieder geholt werden.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Nothing more is needed; words of your own are welcome.</source>
   <translation>Mehr ist nicht nötig; eigene Worte sind willkommen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>same picture</source>
   <translation>dasselbe Bild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>No model is chosen: nothing is looked at.</source>
   <translation>Kein Modell ist gewählt: nichts wird betrachtet.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Pixels and words stay on this machine.</source>
   <translation>Pixel und Worte bleiben auf diesem Rechner.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Automatic</source>
   <translation>Automatisch</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>4-bit</source>
   <translation>4 Bit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>8-bit</source>
   <translation>8 Bit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>too large</source>
   <translation>zu groß</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Looking which models are there…</source>
   <translation>Sehe nach, welche Modelle da sind…</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>an unknown size</source>
   <translation>unbekannte Größe</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Ask anything</source>
   <translation>Frei fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Ask for a short answer</source>
   <translation>Kurze Antwort erfragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Describe the picture</source>
   <translation>Das Bild beschreiben</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Find what I describe</source>
   <translation>Finden, was ich beschreibe</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Find all objects of classes</source>
   <translation>Alle Objekte von Klassen finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Describe what is in a box</source>
   <translation>Beschreiben, was im Rechteck ist</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Say which scene it is</source>
   <translation>Sagen, welche Art Ort es ist</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Choose an answer</source>
   <translation>Eine Antwort wählen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Compare frame and map</source>
   <translation>Einzelbild und Karte vergleichen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Ask about the whole clip</source>
   <translation>Zum ganzen Clip fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The same picture</source>
   <translation>Dasselbe Bild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The frame in the video</source>
   <translation>Das Einzelbild im Video</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>A box on the map</source>
   <translation>Ein Rechteck auf der Karte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Choose a model first.</source>
   <translation>Wählen Sie zuerst ein Modell.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Say which classes to look for.</source>
   <translation>Sagen Sie, welche Klassen gesucht werden.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Say which scenes to choose from.</source>
   <translation>Sagen Sie, unter welchen Arten von Orten zu wählen ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Say which answers to choose from.</source>
   <translation>Sagen Sie, unter welchen Antworten zu wählen ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Choose a satellite image in the RS Copilot panel, or look at the video.</source>
   <translation>Wählen Sie ein Satellitenbild im RS-Copilot-Bedienfeld, oder betrachten Sie das Video.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The satellite layer is a service (WMS, XYZ). Save the area you need with Export → Save As… and choose the saved raster.</source>
   <translation>Der Satellitenlayer ist ein Dienst (WMS, XYZ). Speichern Sie das benötigte Gebiet mit Export → Speichern als… und wählen Sie das gespeicherte Raster.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The satellite image has nothing there: move the map to it.</source>
   <translation>Das Satellitenbild hat dort nichts: verschieben Sie die Karte dorthin.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Open a clip in the video panel first.</source>
   <translation>Öffnen Sie zuerst einen Clip im Video-Bedienfeld.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Draw a box on the map first, with the button beside the picture.</source>
   <translation>Ziehen Sie zuerst ein Rechteck auf der Karte auf, mit dem Knopf neben dem Bild.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} at {:.1f} s</source>
   <translation>{} bei {:.1f} s</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>nothing found</source>
   <translation>nichts gefunden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} found, {} of them on the map</source>
   <translation>{} gefunden, {} davon auf der Karte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Pixels and words leave this machine: they are sent to {}.</source>
   <translation>Pixel und Worte verlassen diesen Rechner: sie gehen an {}.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{}, needs {}</source>
   <translation>{}, braucht {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Ready</source>
   <translation>Bereit</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Partly fetched</source>
   <translation>Teilweise geholt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Not fetched</source>
   <translation>Nicht geholt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Damaged</source>
   <translation>Beschädigt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} fits this machine: {}.</source>
   <translation>{} passt auf diesen Rechner: {}.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>It does not fit into this machine's memory.</source>
   <translation>Es passt nicht in den Speicher dieses Rechners.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>What do you want to know?</source>
   <translation>Was möchten Sie wissen?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>A question with a short answer: how many ships are in the harbour?</source>
   <translation>Eine Frage mit kurzer Antwort: Wie viele Schiffe liegen im Hafen?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>A question; the answers to choose from are above.</source>
   <translation>Eine Frage; die Antworten zur Wahl stehen darüber.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>What to find: the white roof beside the round tank</source>
   <translation>Was zu finden ist: das weiße Dach neben dem runden Tank</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>A question about the clip: when does the truck turn?</source>
   <translation>Eine Frage zum Clip: Wann biegt der Lastwagen ab?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} frames of {}</source>
   <translation>{} Einzelbilder von {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The answer reached the length that is allowed; there may be more.</source>
   <translation>Die Antwort erreichte die erlaubte Länge; es mag mehr geben.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The model repeated itself, and was stopped.</source>
   <translation>Das Modell wiederholte sich und wurde angehalten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} on the map</source>
   <translation>{} auf der Karte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Pixels and words go to a server on this machine ({}).</source>
   <translation>Pixel und Worte gehen an einen Server auf diesem Rechner ({}).</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>The connection is not encrypted.</source>
   <translation>Die Verbindung ist nicht verschlüsselt.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{}: too much for this machine</source>
   <translation>{}: zu viel für diesen Rechner</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Licence: {}</source>
   <translation>Lizenz: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Models lie in {}</source>
   <translation>Modelle liegen in {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Fetch {}: {} from {}?</source>
   <translation>{} holen: {} von {}?</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Classes, with commas between: ship, plane</source>
   <translation>Klassen, mit Kommas getrennt: ship, plane</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Scenes, with commas between: harbour, farmland, forest</source>
   <translation>Arten von Orten, mit Kommas getrennt: harbour, farmland, forest</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Answers to choose from, with commas between</source>
   <translation>Antworten zur Wahl, mit Kommas getrennt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>a box in {}</source>
   <translation>ein Rechteck in {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>first word after {:.1f} s</source>
   <translation>erstes Wort nach {:.1f} s</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} to download</source>
   <translation>{} herunterzuladen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>licence: {}</source>
   <translation>Lizenz: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>From {}</source>
   <translation>Von {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Revision {}</source>
   <translation>Stand {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Lies in {}</source>
   <translation>Liegt in {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Adapters: {}</source>
   <translation>Adapter: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} free on the disk</source>
   <translation>{} frei auf der Platte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{}: {} of memory free</source>
   <translation>{}: {} Speicher frei</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} rows are kept in {}.</source>
   <translation>{} Zeilen sind in {} behalten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>{} lines of the answer make no sense as places.</source>
   <translation>{} Zeilen der Antwort ergeben keinen Ort.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/look_texts.py" />
   <source>Cut off.</source>
   <translation>Abgebrochen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>Drag the frame on the map to where it belongs, then press Locate in the RS Copilot panel: all answers rest on the places of the frames.</source>
   <translation>Ziehen Sie das Bild auf der Karte dorthin, wo es hingehört, und drücken Sie dann im Fenster „RS Copilot“ auf Verorten: Alle Antworten beruhen darauf, wo die Bilder liegen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>The correction is undone.</source>
   <translation>Die Berichtigung ist rückgängig gemacht.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>{} is not there</source>
   <translation>{} ist nicht da</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>The scene is corrected.</source>
   <translation>Die Szene ist berichtigt.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>Answers that were given before are marked; they can be asked again.</source>
   <translation>Antworten von vorher sind gekennzeichnet; sie lassen sich noch einmal erfragen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>Take all {} rows of “{}” out of the scene? This cannot be undone.</source>
   <translation>Alle {} Zeilen von „{}“ aus der Szene nehmen? Das lässt sich nicht rückgängig machen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>track {}</source>
   <translation>Spur {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>object {}</source>
   <translation>Objekt {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>{} are one</source>
   <translation>{} sind eins</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>{} is “{}”</source>
   <translation>{} ist „{}“</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/memory_texts.py" />
   <source>{} rows were taken out.</source>
   <translation>{} Zeilen wurden herausgenommen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Started again, the same search goes on where it stopped.</source>
   <translation>Noch einmal gestartet, macht dieselbe Suche dort weiter, wo sie aufgehört hat.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Try a lower score or other classes, and see whether the detector is made for what a pixel of this source is on the ground.</source>
   <translation>Versuchen Sie einen niedrigeren Wert oder andere Klassen, und prüfen Sie, ob der Detektor für die Bodenauflösung dieser Quelle gemacht ist.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This raster lies on a server: objects can be found in it. To locate clips on it, save the area that you need with Export → Save As… and choose the saved raster.</source>
   <translation>Dieses Raster liegt auf einem Server: Objekte können darin gefunden werden. Um Clips darauf zu verorten, speichern Sie den benötigten Bereich mit Exportieren → Speichern als… und wählen Sie das gespeicherte Raster.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>These options do not go together</source>
   <translation>Diese Optionen passen nicht zusammen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This file cannot be used</source>
   <translation>Diese Datei kann nicht verwendet werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This clip cannot be read</source>
   <translation>Dieser Clip kann nicht gelesen werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This telemetry cannot be read</source>
   <translation>Diese Telemetrie kann nicht gelesen werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This raster cannot be used</source>
   <translation>Dieses Raster kann nicht verwendet werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The raster does not say where it lies</source>
   <translation>Das Raster sagt nicht, wo es liegt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This is no scene of RS Copilot</source>
   <translation>Das ist keine Szene von RS Copilot</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Something the engine needs is missing</source>
   <translation>Der Engine fehlt etwas Notwendiges</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The cluster does not answer, or has lost the work</source>
   <translation>Der Cluster antwortet nicht oder hat die Arbeit verloren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The result could not be written</source>
   <translation>Das Ergebnis konnte nicht geschrieben werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Cancelled</source>
   <translation>Abgebrochen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Something went wrong inside RS Copilot</source>
   <translation>In RS Copilot ist ein Fehler aufgetreten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine ran out of memory</source>
   <translation>Der Engine ist der Arbeitsspeicher ausgegangen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine does not know this job</source>
   <translation>Die Engine kennt diesen Auftrag nicht</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine cannot be understood</source>
   <translation>Die Engine ist nicht zu verstehen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Plugin and engine do not fit together</source>
   <translation>Plugin und Engine passen nicht zusammen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine stopped unexpectedly</source>
   <translation>Die Engine wurde unerwartet beendet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The engine could not be started</source>
   <translation>Die Engine konnte nicht gestartet werden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>No frame could be placed; the search areas show where they may be. Is the clip inside this raster? Telemetry or a control point helps.</source>
   <translation>Kein Bild konnte verortet werden; die Suchgebiete zeigen, wo sie sein können. Liegt der Clip in diesem Raster? Telemetrie oder ein Passpunkt hilft.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} frames, {} moving and {} standing objects</source>
   <translation>{} Bilder, {} bewegte und {} stehende Objekte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>All tiles that were looked at are without data.</source>
   <translation>Alle durchsuchten Kacheln sind ohne Daten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} frames matched to the map, {} carried, {} unlocated</source>
   <translation>Einzelbilder: {} mit der Karte abgeglichen, {} übertragen, {} nicht verortet</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Nothing found</source>
   <translation>Nichts gefunden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} of {} tiles</source>
   <translation>{} von {} Kacheln</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Choose a satellite raster first.</source>
   <translation>Zuerst ein Satellitenraster wählen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>This layer has no local file (WMS, XYZ or another service). Save the area you need with Export → Save As… and choose the saved raster.</source>
   <translation>Dieser Layer hat keine lokale Datei (WMS, XYZ oder ein anderer Dienst). Das benötigte Gebiet mit Export → Speichern als… speichern und das gespeicherte Raster wählen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Add at least one clip: a video, a picture, or a folder of pictures.</source>
   <translation>Mindestens einen Clip hinzufügen: ein Video, ein Bild oder einen Bilderordner.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Locate a clip or open a scene first.</source>
   <translation>Zuerst einen Clip verorten oder eine Szene öffnen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Wait for the running job, or cancel it.</source>
   <translation>Auf den laufenden Auftrag warten oder ihn abbrechen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Objects are found in files, or in GeoTIFFs on a server; this layer is a service (WMS, XYZ). Save the area you need with Export → Save As… and choose the saved raster.</source>
   <translation>Objekte werden in Dateien gefunden oder in GeoTIFFs auf einem Server; dieser Layer ist ein Dienst (WMS, XYZ). Speichern Sie den benötigten Bereich mit Exportieren → Speichern als… und wählen Sie das gespeicherte Raster.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The file of this detector is not there any more. Choose another detector.</source>
   <translation>Die Datei dieses Detektors ist nicht mehr da. Wählen Sie einen anderen Detektor.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Say what to look for: this detector needs words, with commas between.</source>
   <translation>Sagen Sie, was gesucht wird: Dieser Detektor braucht Wörter, mit Kommas dazwischen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Nothing moves in a raster. Choose a clip, or another detector.</source>
   <translation>In einem Raster bewegt sich nichts. Wählen Sie einen Clip oder einen anderen Detektor.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Select the polygons to look into first, in the layer that you have chosen here.</source>
   <translation>Wählen Sie zuerst die Polygone aus, in denen gesucht werden soll, im Layer, den Sie hier angegeben haben.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>The satellite image has nothing there: move the map to it, or select polygons on it.</source>
   <translation>Dort liegt nichts vom Satellitenbild: Verschieben Sie die Karte dorthin oder wählen Sie Polygone, die darauf liegen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Locate</source>
   <translation>Verorten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Export</source>
   <translation>Export</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Find Objects</source>
   <translation>Objekte finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Fetch Model</source>
   <translation>Modell holen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Add Model</source>
   <translation>Modell hinzufügen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Verify Model</source>
   <translation>Modell prüfen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Remove Model</source>
   <translation>Modell entfernen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} moving objects</source>
   <translation>Bewegte Objekte: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>Field {} is called {} there.</source>
   <translation>Das Feld {} heißt dort {}.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} rows written to {}</source>
   <translation>Geschriebene Datensätze: {}, Ziel: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} tiles were known from a run that had been broken off.</source>
   <translation>{} Kacheln waren aus einem abgebrochenen Lauf schon bekannt.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>What had been found is kept.</source>
   <translation>Was bereits gefunden wurde, bleibt erhalten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/messages.py" />
   <source>{} of them without data</source>
   <translation>{} davon ohne Daten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Open Plugins → RS Copilot → Engine and Settings, tick “With training”, press “Create Environment”, and run this again.</source>
   <translation>Öffnen Sie Erweiterungen → RS Copilot → Engine und Einstellungen, haken Sie „Mit Training“ an, drücken Sie „Umgebung erstellen“ und starten Sie dies erneut.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Adapt the tile search to a layer</source>
   <translation>Kachelsuche an einen Layer anpassen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Tunes the network that finds similar tiles on your own satellite layer, without any labels, in a few minutes. A part of the layer is kept for measuring: what the tuning brought is reported, and where it did not help, nothing is changed. Use the network in the folder for a new index. Tuning can be taken back. The engine needs its training packages for this: “With training” in Plugins → RS Copilot → Engine and Settings.</source>
   <translation>Stimmt das Netz, das ähnliche Kacheln findet, in wenigen Minuten und ohne Beschriftungen auf Ihren eigenen Satellitenlayer ab. Ein Teil des Layers bleibt zum Messen zurück: Es wird berichtet, was die Abstimmung gebracht hat, und wo sie nicht half, wird nichts geändert. Benutzen Sie das Netz im Ordner für einen neuen Index. Die Abstimmung lässt sich zurücknehmen. Die Engine braucht dafür ihre Trainingspakete: „Mit Training“ unter Erweiterungen → RS Copilot → Engine und Einstellungen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>The layer, or several dates of one place (local files)</source>
   <translation>Der Layer, oder mehrere Aufnahmedaten eines Orts (lokale Dateien)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Adapted network (a folder)</source>
   <translation>Angepasstes Netz (ein Ordner)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Right tile first: {:.1%} before, {:.1%} after.</source>
   <translation>Richtige Kachel an erster Stelle: {:.1%} vorher, {:.1%} nachher.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Right tile among the first ten: {:.1%} before, {:.1%} after.</source>
   <translation>Richtige Kachel unter den ersten zehn: {:.1%} vorher, {:.1%} nachher.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Tuning did not help on this layer: the network was left as it was.</source>
   <translation>Die Abstimmung hat bei diesem Layer nichts gebracht: Das Netz blieb, wie es war.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Take the last tuning in the folder back</source>
   <translation>Die letzte Abstimmung in dem Ordner zurücknehmen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Choose the layer to adapt to.</source>
   <translation>Den Layer wählen, an den angepasst werden soll.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>The last tuning was taken back.</source>
   <translation>Die letzte Abstimmung wurde zurückgenommen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/adapt_algorithm.py" />
   <source>Use {} for a new index and for searching in it.</source>
   <translation>Benutzen Sie {} für einen neuen Index und für die Suche darin.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Locate clip</source>
   <translation>Clip verorten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Finds where the frames of a UAV clip lie on a satellite raster and writes footprints, trajectory and frames with their uncertainty into a scene GeoPackage. The clip is a video, a picture, or a folder of pictures. Telemetry beside the clip is found by itself. A frame that cannot be placed is reported as unlocated with the reason.</source>
   <translation>Ermittelt, wo die Einzelbilder eines Drohnenclips auf einem Satellitenraster liegen, und schreibt Bildabdeckungen, Trajektorie und Einzelbilder mit ihrer Unsicherheit in ein Szenen-GeoPackage. Der Clip ist ein Video, ein Bild oder ein Bilderordner. Telemetrie neben dem Clip wird selbsttätig gefunden. Ein Einzelbild, das nicht platziert werden kann, wird mit Angabe des Grundes als nicht verortet gemeldet.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Track moving objects</source>
   <translation>Bewegte Objekte verfolgen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Finds what moves in the located clips of a scene and writes detections and tracks on the ground, with speeds in metres per second, into the same scene.</source>
   <translation>Findet bewegte Objekte in den verorteten Clips einer Szene und schreibt Detektionen und Tracks am Boden, mit Geschwindigkeiten in Metern pro Sekunde, in dieselbe Szene.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Export layer of a scene</source>
   <translation>Layer einer Szene exportieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Writes one layer of a scene as shapefile, GeoPackage, GeoJSON, KML, FlatGeobuf, GeoParquet or CSV. Field names that a shapefile has to cut are made unique and reported.</source>
   <translation>Schreibt einen Layer einer Szene als Shapedatei, GeoPackage, GeoJSON, KML, FlatGeobuf, GeoParquet oder CSV. Feldnamen, die eine Shapedatei kürzen muss, werden eindeutig gemacht und gemeldet.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Attitude only</source>
   <translation>Nur Ausrichtung</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Clip: a video or a picture</source>
   <translation>Clip: ein Video oder ein Bild</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>… or a folder of pictures</source>
   <translation>… oder ein Bilderordner</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Satellite raster (a local file)</source>
   <translation>Satellitenraster (lokale Datei)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Telemetry file</source>
   <translation>Telemetriedatei</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Use telemetry</source>
   <translation>Telemetrie verwenden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Seconds between frames</source>
   <translation>Sekunden zwischen Einzelbildern</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>Choose a clip or a folder of pictures.</source>
   <translation>Einen Clip oder einen Bilderordner wählen.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/algorithms.py" />
   <source>File</source>
   <translation>Datei</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/ask_algorithm.py" />
   <source>Ask a scene</source>
   <translation>Eine Szene fragen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/ask_algorithm.py" />
   <source>Answers a question in English about what a clip saw, computed from the scene and from layers of your own: how many vehicles entered a zone, when a place is first seen, how far, in which direction, what hides it. Where the scene does not tell, the answer is empty, and the log says why.</source>
   <translation>Beantwortet eine Frage auf Englisch danach, was ein Clip gesehen hat, berechnet aus der Szene und aus eigenen Layern: wie viele Fahrzeuge in eine Zone fuhren, wann ein Ort zuerst zu sehen ist, wie weit, in welcher Richtung, was ihn verdeckt. Wo die Szene es nicht hergibt, ist die Antwort leer, und das Protokoll sagt, warum.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/ask_algorithm.py" />
   <source>Keep the answer in the scene</source>
   <translation>Die Antwort in der Szene behalten</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/ask_algorithm.py" />
   <source>Answer</source>
   <translation>Antwort</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/ask_algorithm.py" />
   <source>Probability that it is right</source>
   <translation>Wahrscheinlichkeit, dass sie stimmt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/engine_algorithm.py" />
   <source>The satellite layer has no local file. Save the area you need as a GeoTIFF first.</source>
   <translation>Der Satellitenlayer hat keine lokale Datei. Das benötigte Gebiet zuerst als GeoTIFF speichern.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/engine_algorithm.py" />
   <source>Show the result on the map</source>
   <translation>Ergebnis auf der Karte zeigen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>… or a detector of your own (ONNX)</source>
   <translation>… oder ein eigener Detektor (ONNX)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Classes, separated by commas; empty for all</source>
   <translation>Klassen, durch Kommas getrennt; leer für alle</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Lowest score; empty for the detector's own</source>
   <translation>Niedrigster Wert (Score); leer für den des Detektors</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Find objects in a raster</source>
   <translation>Objekte in einem Raster finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Looks for objects in a raster of any size, tile by tile, and writes them as polygons into the layer of detections of a scene. Only tiles that touch the extent or the polygons are looked at. A run that was broken off or cancelled goes on where it stopped when the same is asked for again, with the same scene. The detector comes with RS Copilot or is an ONNX file of your own.</source>
   <translation>Sucht Kachel für Kachel in einem beliebig großen Raster nach Objekten und schreibt sie als Polygone in den Layer der Detektionen einer Szene. Nur Kacheln, die den Ausschnitt oder die Polygone berühren, werden durchsucht. Ein abgebrochener Lauf macht dort weiter, wo er aufgehört hat, wenn dasselbe noch einmal mit derselben Szene verlangt wird. Der Detektor gehört zu RS Copilot oder ist eine eigene ONNX-Datei.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Find objects in a clip</source>
   <translation>Objekte in einem Clip finden</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Looks for objects in the frames of a located clip, lays them on the ground and follows them, into the layers of detections and tracks of the clip's scene. A clip that the scene does not have is located on the satellite raster first. The detector “motion” finds whatever moves.</source>
   <translation>Sucht Objekte in den Bildern eines verorteten Clips, legt sie auf den Boden und verfolgt sie, in die Layer der Detektionen und Spuren der Szene des Clips. Ein Clip, den die Szene nicht hat, wird zuerst auf dem Satellitenraster verortet. Der Detektor „motion“ findet alles, was sich bewegt.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Scene that has the clip already</source>
   <translation>Szene, die den Clip schon hat</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>… or satellite raster to locate it on (a local file)</source>
   <translation>… oder Satellitenraster, auf dem er verortet wird (eine lokale Datei)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Seconds between looks</source>
   <translation>Sekunden zwischen zwei Blicken</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>New scene, where the clip is located first</source>
   <translation>Neue Szene, wenn der Clip zuerst verortet wird</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Detector: {}</source>
   <translation>Detektor: {}</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Number of objects</source>
   <translation>Anzahl der Objekte</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/find_algorithms.py" />
   <source>Choose the scene of the clip, or a satellite raster and a file for a new scene.</source>
   <translation>Wählen Sie die Szene des Clips oder ein Satellitenraster und eine Datei für eine neue Szene.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Another retrieval network (ONNX, with its card beside it)</source>
   <translation>Anderes Suchnetz (ONNX, mit seiner Karte daneben)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Index a satellite layer</source>
   <translation>Satellitenlayer indizieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Embeds one or several satellite rasters as overlapping tiles at two or three ground scales, so that photos can be looked up in them. The index is a folder; its tiles.parquet holds the footprints of all tiles. Without scales they are chosen from resolution and size of the raster. Where the folder is an index already, only tiles that have changed are embedded.</source>
   <translation>Zerlegt ein oder mehrere Satellitenraster in überlappende Kacheln in zwei oder drei Größen und bildet sie so ab, dass Fotos darin gesucht werden können. Der Index ist ein Ordner; tiles.parquet darin enthält die Umrisse aller Kacheln. Ohne Angabe werden die Größen nach Auflösung und Ausdehnung des Rasters gewählt. Ist der Ordner schon ein Index, werden nur Kacheln eingebettet, die sich geändert haben.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Ground sides of the tiles in metres, separated by commas</source>
   <translation>Seitenlängen der Kacheln in Metern, durch Kommas getrennt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Spacing of the tiles in sides</source>
   <translation>Abstand der Kacheln in Seitenlängen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>{} tiles of {} rasters are indexed.</source>
   <translation>{} Kacheln von {} Rastern sind indiziert.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Search similar tiles for a photo</source>
   <translation>Ähnliche Kacheln zu einem Foto suchen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Ranks the tiles of an index by how much they look like a photo seen from above, and writes the best into the layer of candidates of a scene. Ground width and heading are taken from telemetry beside the photo where there is any; what is not known is tried. A high rank is a hint, not a proof: use Locate clip to be sure.</source>
   <translation>Ordnet die Kacheln eines Index danach, wie sehr sie dem von oben gesehenen Foto gleichen, und schreibt die besten in den Layer der Kandidaten einer Szene. Bodenbreite und Ausrichtung kommen aus der Telemetrie neben dem Foto, wo es eine gibt; was nicht bekannt ist, wird durchprobiert. Ein hoher Rang ist ein Hinweis, kein Beweis: Gewissheit gibt Clip verorten.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Ground width of the photo in metres</source>
   <translation>Bodenbreite des Fotos in Metern</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Direction of image-up, degrees clockwise from north</source>
   <translation>Richtung der Bildoberkante, Grad im Uhrzeigersinn von Nord</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Satellite rasters (local files)</source>
   <translation>Satellitenraster (lokale Dateien)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Index (a folder)</source>
   <translation>Index (ein Ordner)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Photo</source>
   <translation>Foto</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>Number of tiles</source>
   <translation>Anzahl der Kacheln</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>The scales must be numbers of metres separated by commas, for example 60,120.</source>
   <translation>Die Größen müssen Zahlen in Metern sein, durch Kommas getrennt, zum Beispiel 60,120.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/gallery_algorithms.py" />
   <source>{} of them were in the index already.</source>
   <translation>{} davon standen schon im Index.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/regions.py" />
   <source>Look at this ground size of a pixel in metres, not at the network's own</source>
   <translation>Mit dieser Bodenauflösung in Metern suchen, nicht mit der des Netzes</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/regions.py" />
   <source>Raster (a file)</source>
   <translation>Raster (eine Datei)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/regions.py" />
   <source>Only in this extent</source>
   <translation>Nur in diesem Ausschnitt</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/regions.py" />
   <source>Only in these polygons</source>
   <translation>Nur in diesen Polygonen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Segment a raster</source>
   <translation>Ein Raster segmentieren</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Divides a raster of any size into areas of one class each with a segmentation network of your own (ONNX), and writes them as polygons with their area in m² into the layer of segments of a scene. Neighbouring areas share their borders, and tiles leave no seams. A run that was broken off or cancelled goes on where it stopped when the same is asked for again, with the same scene.</source>
   <translation>Teilt ein beliebig großes Raster mit einem eigenen Segmentierungsnetz (ONNX) in Flächen je einer Klasse und schreibt sie als Polygone mit ihrer Fläche in m² in den Layer der Segmente einer Szene. Benachbarte Flächen teilen ihre Grenzen, und Kacheln hinterlassen keine Nähte. Ein abgebrochener Lauf macht dort weiter, wo er aufgehört hat, wenn dasselbe noch einmal mit derselben Szene verlangt wird.</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Smallest area in m²; empty for the network's own</source>
   <translation>Kleinste Fläche in m²; leer für die des Netzes</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Outlines may leave the pixels' edges by this many pixels</source>
   <translation>So viele Pixel dürfen Umrisse von den Pixelkanten abweichen</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Segmentation network (ONNX)</source>
   <translation>Segmentierungsnetz (ONNX)</translation>
  </message>
  <message>
   <location filename="../rs_copilot_plugin/processing/segment_algorithm.py" />
   <source>Number of areas</source>
   <translation>Anzahl der Flächen</translation>
  </message>
 </context>
</TS>

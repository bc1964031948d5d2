"""The plugin's side of the engine: environment, session, restarts, installation.

Qt-free: `environment`, `session`, `transport`, `supervisor`, `player_client`, `install_plan`.
With Qt: `process` (QProcess transport), `install_task`.
"""

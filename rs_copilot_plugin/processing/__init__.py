"""The jobs as Processing algorithms: for models, batches and `qgis_process`."""

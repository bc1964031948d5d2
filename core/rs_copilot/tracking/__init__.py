"""Moving objects of a placed clip: detections and tracks on the ground."""

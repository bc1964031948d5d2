"""The built-in planner: from common English questions about a scene to programs, without any model."""

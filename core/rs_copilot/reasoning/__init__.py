"""Questions about a scene: what it holds, small programs over it, and answers with their evidence."""

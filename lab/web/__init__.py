"""The application that serves the lesson's endpoints."""

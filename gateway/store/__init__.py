"""The one Redis or Valkey primary that holds everything the gateway must not lose."""

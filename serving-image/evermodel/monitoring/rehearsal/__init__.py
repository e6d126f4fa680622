"""A candidate answers the last requests that the live version was asked, before any user asks it."""

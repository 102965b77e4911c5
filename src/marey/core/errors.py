"""The one error a user is meant to see."""


class UserError(ValueError):
    """Bad input: one line that names the file or argument and the fix.

    The command line prints its text and exits with status 2; a traceback is reserved for defects of marey.
    """

"""The one exception that a learner is meant to read."""


class InputError(ValueError):
    """Something that the user gave is wrong.

    The message is one or two plain sentences: what is wrong, where, and what to do about it.
    The command line prints it without a traceback and leaves with exit status 2.
    """

"""Where Debian keeps what root runs, which is not on everybody's path."""
import os


def path_with_sbin():
    return os.environ["PATH"] + ":/usr/sbin:/sbin"

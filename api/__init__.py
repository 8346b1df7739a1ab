"""Who we talk to: wire formats in and out, sign-in, pages, the command line. Decides nothing."""

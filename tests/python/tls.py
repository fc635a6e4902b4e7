"""How to connect to a URL that may be `wss:`."""

import ssl


def context(url):
    """For `ssl=`. Not TLS 1.3: there the server's tickets arrive while the request goes out, and in older Pythons a read in
    one thread and a write in another get into each other's way, so that the connection seems to have ended, or to say
    nothing. In `websockets.sync` two threads read and ask. It is so with any server, one of OpenSSL's too."""
    if not url.startswith("wss:"):
        return None
    tls = ssl.create_default_context()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    return tls

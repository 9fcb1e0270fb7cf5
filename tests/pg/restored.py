"""Servers that go back in time: the data folder is put aside while the server is down, and later takes its place again, as
when a volume is restored from its snapshot."""
import os
import shutil
import subprocess

from cluster import as_server_user


def keep(cluster, name="kept"):
    """A copy of the server's data as it is now. The server is stopped for it, and runs again afterwards."""
    cluster.stop()
    copy(cluster, cluster.data, os.path.join(cluster.folder, name))
    cluster.start()
    return os.path.join(cluster.folder, name)


def copy(cluster, source, to):
    shutil.rmtree(to, ignore_errors=True)
    subprocess.run(as_server_user(["cp", "-a", cluster.inside(source), cluster.inside(to)], cluster.root), check=True)


def put_back(cluster, kept, then=None):
    """The server is as it was then. What it has now is put in the folder `then`, if that is wanted."""
    if cluster.running():
        cluster.stop("immediate")
    if then is not None:
        now = os.path.join(cluster.folder, then)
        shutil.rmtree(now, ignore_errors=True)
        os.rename(cluster.data, now)
    else:
        shutil.rmtree(cluster.data)
    copy(cluster, kept, cluster.data)
    cluster.start()
    return None if then is None else now

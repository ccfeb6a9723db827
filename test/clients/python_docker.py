"""What a program does with Debian's python3-docker. Says "ok NAME" or "not ok NAME". Uses DOCKER_HOST."""
import io
import sys
import tarfile
import threading
import traceback

import docker

client = docker.from_env(timeout=30)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def container(**options):
    return client.containers.run("busybox", detach=True, **{"command": "sleep 1000", "stop_signal": "KILL", **options})


def fails(error, action):
    try:
        action()
    except error as reason:
        return reason
    raise AssertionError("it did not fail")


@check
def ping_version_info():
    assert client.ping() and client.version()["Os"] == "linux" and client.info()["Driver"]


@check
def run_and_read_output():
    assert client.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"


@check
def run_that_fails():
    reason = fails(docker.errors.ContainerError, lambda: client.containers.run("busybox", "sh -c 'echo bad >&2; exit 3'", remove=True))
    assert reason.exit_status == 3 and b"bad" in reason.stderr


@check
def missing_things_are_not_found():
    fails(docker.errors.NotFound, lambda: client.containers.get("nobody"))
    fails(docker.errors.ImageNotFound, lambda: client.images.get("nothing:1"))


@check
def life_of_a_container():
    it = container(name="py-life", labels={"of": "python"})
    assert it.status == "created" and client.containers.list(filters={"label": "of=python"}) == [it]
    it.pause()
    it.reload()
    assert it.status == "paused"
    it.unpause()
    it.rename("py-renamed")
    it.restart(timeout=0)
    it.stop(timeout=0)
    assert it.wait()["StatusCode"] == 137
    it.remove()
    fails(docker.errors.NotFound, it.reload)


@check
def exec_with_streams_apart():
    it = container()
    code, (out, err) = it.exec_run("sh -c 'echo out; echo err >&2; exit 4'", demux=True)
    assert (code, out, err) == (4, b"out\n", b"err\n")
    code, out = it.exec_run(["env"], environment={"A": "b"}, workdir="/tmp", user="0")
    assert code == 0 and b"A=b" in out
    chunks = b"".join(it.exec_run("sh -c 'echo 1; echo 2'", stream=True).output)
    assert chunks == b"1\n2\n"
    it.remove(force=True)


@check
def exec_over_a_socket():
    it = container()
    made = client.api.exec_create(it.id, "cat", stdin=True)
    socket = client.api.exec_start(made["Id"], socket=True)
    socket._sock.sendall(b"typed\n")
    assert b"typed\n" in socket._sock.recv(100)
    socket.close()
    it.remove(force=True)


@check
def logs():
    it = client.containers.run("busybox", "sh -c 'for i in 1 2 3; do echo $i; done; echo err >&2'", detach=True)
    it.wait()
    assert it.logs(stderr=False) == b"1\n2\n3\n" and it.logs(stdout=False) == b"err\n"
    assert it.logs(stderr=False, tail=1) == b"3\n" and b"T" in it.logs(timestamps=True)
    assert b"".join(it.logs(stream=True, follow=True, stderr=False)) == b"1\n2\n3\n"
    it.remove()


@check
def attach():
    it = client.containers.create("busybox", "sh -c 'read line; echo got $line'", stdin_open=True)
    socket = it.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    it.start()
    socket._sock.sendall(b"it\n")
    assert b"got it\n" in socket._sock.recv(100)
    it.wait()
    it.remove()


@check
def archives_both_ways():
    it = container()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = 7
        archive.addfile(member, io.BytesIO(b"content"))
    assert it.put_archive("/tmp", buffer.getvalue())
    chunks, stat = it.get_archive("/tmp/file")
    assert stat["size"] == 7
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        assert archive.extractfile("file").read() == b"content"
    assert {"Path": "/tmp/file", "Kind": 1} in it.diff()
    it.remove(force=True)


@check
def stats_top_update():
    it = container(mem_limit="64m")
    assert it.stats(stream=False)["memory_stats"]["limit"] == 64 * 1024 * 1024
    assert next(it.stats(decode=True))["id"] == it.id
    assert any("sleep" in word for process in it.top()["Processes"] for word in process)
    it.update(mem_limit="128m", memswap_limit="256m")
    it.reload()
    assert it.attrs["HostConfig"]["Memory"] == 128 * 1024 * 1024
    it.remove(force=True)


@check
def commit_tag_save_load_remove():
    it = container()
    it.exec_run("sh -c 'echo made >/made'")
    image = it.commit("py-committed", tag="1", changes=["ENV MADE=yes"])
    assert image.tag("py-tagged", "2") and client.images.get("py-tagged:2").id == image.id
    archive = b"".join(image.save(named="py-committed:1"))
    it.remove(force=True)
    for name in ("py-tagged:2", "py-committed:1"):
        client.images.remove(name)
    loaded = client.images.load(archive)
    assert client.containers.run(loaded[0], "cat /made", remove=True) == b"made\n"
    client.images.remove("py-committed:1")


@check
def volumes():
    volume = client.volumes.create("py-volume", labels={"a": "b"})
    client.containers.run("busybox", "sh -c 'echo kept >/v/f'", volumes={"py-volume": {"bind": "/v", "mode": "rw"}}, remove=True)
    output = client.containers.run("busybox", "cat /v/f", volumes={"py-volume": {"bind": "/v", "mode": "ro"}}, remove=True)
    assert output == b"kept\n" and volume in client.volumes.list(filters={"label": "a=b"})
    volume.remove()


@check
def networks():
    network = client.networks.create("py-network", ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="172.31.7.0/24")]))
    it = container(name="py-server", network="py-network")
    other = container()
    network.connect(other, aliases=["alias"], ipv4_address="172.31.7.9")
    assert it.exec_run("ping -c 1 alias").exit_code == 0
    network.reload()
    assert set(network.containers) == {it, other}
    network.disconnect(other)
    for one in (it, other):
        one.remove(force=True)
    network.remove()


@check
def ports():
    it = container(ports={"80/tcp": ("127.0.0.1", 8097), "81/udp": None})
    it.reload()
    assert it.ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "8097"}] and int(it.ports["81/udp"][0]["HostPort"]) > 0
    it.remove(force=True)


@check
def events():
    seen = []
    stream = client.events(decode=True, filters={"event": "die"})
    reader = threading.Thread(target=lambda: seen.append(next(stream)))
    reader.start()
    client.containers.run("busybox", "true", remove=True)
    reader.join(10)
    stream.close()
    assert seen[0]["Action"] == "die" and seen[0]["Actor"]["Attributes"]["exitCode"] == "0"


@check
def health_and_restart():
    it = container(healthcheck={"test": ["CMD", "true"], "interval": 10**9}, restart_policy={"Name": "on-failure", "MaximumRetryCount": 2})
    it.reload()
    assert it.attrs["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert it.attrs["State"]["Health"]["Status"] in ("starting", "healthy")
    it.remove(force=True)


@check
def prune_and_usage():
    it = client.containers.create("busybox", "true", labels={"prune": "me"})
    assert it.id in client.containers.prune(filters={"label": "prune=me"})["ContainersDeleted"]
    assert client.df()["LayersSize"] >= 0


for function in CHECKS:
    try:
        function()
        print("ok", function.__name__)
    except Exception:  # Every reason is one to be shown.
        print("not ok", function.__name__)
        print("".join("# " + line for line in traceback.format_exc().splitlines(True)), end="")
    sys.stdout.flush()
for left in client.containers.list(all=True):
    left.remove(force=True)

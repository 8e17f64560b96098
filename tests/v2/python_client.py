"""Does with python3-etcd what its users do, at the server whose port is given, and prints what came of it as JSON."""

import json
import sys
import threading

import etcd

client = etcd.Client(host="127.0.0.1", port=int(sys.argv[1]), allow_reconnect=True)
results = {}


def node(result):
    """What tells of a result without naming moments."""
    return {
        "action": result.action,
        "key": result.key,
        "value": result.value,
        "dir": result.dir,
        "newKey": result.newKey,
        "modified": result.modifiedIndex,
        "created": result.createdIndex,
        "etcd_index": getattr(result, "etcd_index", None),
        "children": sorted((child.key, child.value or "") for child in result.children),
    }


def attempt(run):
    try:
        return node(run())
    except etcd.EtcdException as error:
        return {"error": type(error).__name__, "payload": getattr(error, "payload", None)}


def scenario(run):
    results[run.__name__] = run()
    return run


@scenario
def writes():
    return [
        attempt(lambda: client.write("/nodes/n1", "test")),
        attempt(lambda: client.write("/nodes/n2", "test2", ttl=400)),
        attempt(lambda: client.set("/nodes/n1", "grüße & +%")),
        attempt(lambda: client.read("/nodes/n1")),
        attempt(lambda: client.read("/nodes", recursive=True, sorted=True)),
        attempt(lambda: client.get("/nodes")),
        attempt(lambda: client.read("/nodes/n2", quorum=True)),
        attempt(lambda: client.write("/dir", None, dir=True)),
        attempt(lambda: client.write("/dir/deep/key", 1)),
        "/nodes/n2" in client,
        "/nope" in client,
    ]


@scenario
def conditions():
    return [
        attempt(lambda: client.write("/c", "1", prevExist=False)),
        attempt(lambda: client.write("/c", "1", prevExist=False)),
        attempt(lambda: client.write("/nope", "1", prevExist=True)),
        attempt(lambda: client.write("/c", "2", prevValue="1")),
        attempt(lambda: client.test_and_set("/c", "3", "wrong")),
        attempt(lambda: client.test_and_set("/c", "3", "2")),
        attempt(lambda: client.write("/c", "4", prevIndex=1)),
        attempt(lambda: client.delete("/c", prevValue="wrong")),
        attempt(lambda: client.delete("/c", prevValue="3")),
    ]


@scenario
def failures():
    return [
        attempt(lambda: client.read("/nope")),
        attempt(lambda: client.write("/nodes/n1/below", "x")),
        attempt(lambda: client.write("/nodes", "x")),
        attempt(lambda: client.delete("/nodes")),
        attempt(lambda: client.delete("/nodes", dir=True)),
        attempt(lambda: client.write("/", "x")),
        attempt(lambda: client.delete("/nope")),
        attempt(lambda: client.write("/nodes/n1", "x", ttl="abc")),
    ]


@scenario
def updates():
    result = client.read("/nodes/n1")
    result.value = "updated"
    updated = client.update(result)
    stale = client.read("/nodes/n1")
    client.write("/nodes/n1", "changed meanwhile")
    stale.value = "late"
    refreshed = client.refresh("/nodes/n2", ttl=600)
    return [
        node(updated),
        attempt(lambda: client.update(stale)),
        refreshed.ttl in (599, 600),
        attempt(lambda: client.read("/nodes/n2")),
    ]


@scenario
def queue():
    added = [client.write("/queue", job, append=True) for job in ("one", "two", "three")]
    taken = []
    for child in client.read("/queue", recursive=True, sorted=True).children:
        taken.append(client.delete(child.key)._prev_node.value)
    return [[result.key for result in added], taken]


@scenario
def watches():
    first = client.write("/watched/a", "1").modifiedIndex
    client.write("/watched/b", "2")
    past = node(client.watch("/watched", index=first, recursive=True))
    heard = []
    ready = threading.Event()

    def listen():
        waiting = etcd.Client(host="127.0.0.1", port=int(sys.argv[1]))
        index = int(first)
        for event in waiting.eternal_watch("/watched", index=index, recursive=True):
            heard.append([event.action, event.key, event.value])
            ready.set()
            if event.value == "last":
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    ready.wait(30)
    client.write("/watched/c", "3")
    client.delete("/watched/a")
    client.write("/watched/d", "last")
    listener.join(30)
    return [past, heard]


@scenario
def cleared_history():
    for number in range(1001):
        client.write("/many", number)
    return attempt(lambda: client.watch("/many", index=1, timeout=5))


@scenario
def locks():
    first = etcd.Lock(client, "customer1")
    second = etcd.Lock(client, "customer1")
    took = [first.acquire(blocking=True, lock_ttl=60)]
    refused = second.acquire(blocking=False)
    first.release()
    took.append(second.acquire(blocking=True, lock_ttl=60, timeout=20))
    held = [first.is_acquired, second.is_acquired]
    second.release()
    return [took, refused, held]


@scenario
def cluster():
    return {
        "machines": len(client.machines),
        "members": sorted(member["name"] for member in client.members.values()),
        "leader": client.leader["name"],
        "stats": sorted(client.stats),
        "store": sorted(client.store_stats),
    }


@scenario
def deletes():
    return [
        attempt(lambda: client.delete("/dir", recursive=True)),
        attempt(lambda: client.read("/dir")),
        attempt(lambda: client.pop("/nodes/n1")),
        attempt(lambda: client.pop("/nodes/n1")),
    ]


json.dump(results, sys.stdout)

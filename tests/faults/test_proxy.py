"""The fault proxy does to a call what it says, no more and no less: seen by a client and by the server behind it."""

import http.client
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn

import pytest
import trustme

from faults import kinds
from faults.proxy import Cut, FaultProxy

BODY = b'{"allocations": {}}'


class Handler(BaseHTTPRequestHandler):
    """Answers every call with its number, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, b""))
        self.reply()

    def do_PUT(self):
        self.server.seen.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.reply()

    def reply(self):
        body = b"answer %d" % len(self.server.seen)
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        else:
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


class Server(ThreadingMixIn, HTTPServer):
    """A thread for each connection, because connections stay open."""

    daemon_threads = True

    def handle_error(self, *_):
        """Say nothing: connections are cut on purpose."""


@pytest.fixture
def server(tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Server(("127.0.0.1", 0), Handler) as one:
        one.socket = context.wrap_socket(one.socket, server_side=True)
        one.seen = []
        one.cafile = tmp_path / "ca.pem"
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
        yield one
        one.shutdown()


@pytest.fixture
def proxy(server):
    with FaultProxy(server.server_port, server.cafile) as one:
        yield one


@pytest.fixture
def client(proxy):
    context = ssl.create_default_context(cafile=str(proxy.cafile))
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=0.5, context=context)
    yield connection
    connection.close()


def put(client, path="/thing") -> bytes:
    client.request("PUT", path, BODY)
    return client.getresponse().read()


def test_without_a_fault_both_sides_see_the_same_bytes(client, proxy, server):
    assert [put(client), put(client, "/other?query=1")] == [b"answer 1", b"answer 2"]
    client.request("GET", "/chunked")
    assert client.getresponse().read() == b"answer 3"
    assert server.seen == [("/thing", BODY), ("/other?query=1", BODY), ("/chunked", b"")]
    assert [call.title for call in proxy.exchanges] == ["PUT /thing", "PUT /other", "GET /chunked"]
    assert proxy.exchanges[0].request.startswith(b"PUT /thing HTTP/1.1\r\n")
    assert proxy.exchanges[0].request.endswith(BODY)
    assert proxy.exchanges[0].reply.endswith(b"\r\n\r\nanswer 1")


@pytest.mark.parametrize("how", [Cut.RESET, Cut.FIN, Cut.GOODBYE])
@pytest.mark.parametrize(
    ("fault", "applied"),
    [(kinds.lose_request, 0), (lambda how: kinds.cut_answer(0, how), 1)],
    ids=["request", "answer"],
)
def test_a_lost_message_is_lost_on_the_side_it_says(client, proxy, server, how, fault, applied):
    proxy.play({1: fault(how)})
    with pytest.raises((OSError, http.client.HTTPException)):
        put(client)
    assert len(server.seen) == applied
    client.close()
    assert put(client) == b"answer %d" % (applied + 1)


def end_of(proxy, *, raw: bool) -> type[OSError] | None:
    """Make a call and return how its connection ends, for TLS or (raw) for TCP; None is an orderly end."""
    context = ssl.create_default_context(cafile=str(proxy.cafile))
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=2)
    connection = context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with socket.socket(fileno=connection.detach()) if raw else connection as reading:
        reading.settimeout(2)
        try:
            while reading.recv(1000):
                pass
        except OSError as error:
            return type(error)
    return None


@pytest.mark.parametrize(
    ("how", "for_tcp", "for_tls"),
    [(Cut.RESET, ConnectionResetError, ssl.SSLEOFError), (Cut.FIN, None, ssl.SSLEOFError), (Cut.GOODBYE, None, None)],
)
def test_a_connection_ends_as_it_says(proxy, how, for_tcp, for_tls):
    proxy.play(dict.fromkeys((1, 2), kinds.lose_request(how)))
    assert (end_of(proxy, raw=True), end_of(proxy, raw=False)) == (for_tcp, for_tls)


def test_an_answer_is_cut_after_exactly_so_many_bytes(client, proxy):
    whole = len(put(client)) and len(proxy.exchanges[0].reply)
    proxy.play({1: kinds.cut_answer(whole - 3, Cut.FIN)})
    with pytest.raises(http.client.IncompleteRead) as caught:
        put(client)
    assert caught.value.partial == b"answe"
    client.close()
    proxy.play({1: kinds.cut_answer(whole, Cut.FIN)})
    assert put(client) == b"answer 3"


def test_a_request_cut_before_its_last_byte_never_happens_and_after_it_does(client, proxy, server):
    put(client)
    whole = len(proxy.exchanges[0].request)
    for size, seen in ((0, 1), (50, 1), (whole - 1, 1), (whole, 2)):
        proxy.play({1: kinds.cut_request(size, Cut.RESET)})
        with pytest.raises((OSError, http.client.HTTPException)):
            put(client)
        client.close()
        assert size == len(proxy.exchanges[0].request)
        wait_for(lambda seen=seen: len([body for _, body in server.seen if body == BODY]) == seen)


def wait_for(condition) -> None:
    done = threading.Event()
    for _ in range(200):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not happen")


def test_a_late_request_arrives_before_the_call_it_says_and_only_once(client, proxy, server):
    proxy.play({1: kinds.late(2)})
    with pytest.raises(ConnectionError):
        put(client, "/late")
    client.close()
    for path in ("/a", "/b", "/c"):
        put(client, path)
    assert [path for path, _ in server.seen] == ["/a", "/late", "/b", "/c"]
    proxy.heal()
    assert len(server.seen) == 4


def test_what_is_held_back_arrives_when_all_heals(client, proxy, server):
    proxy.play({1: kinds.late(9)})
    with pytest.raises(ConnectionError):
        put(client)
    assert not server.seen
    proxy.heal()
    assert server.seen == [("/thing", BODY)]
    assert [call.title for call in proxy.healed] == ["PUT /thing"]


@pytest.mark.parametrize(
    ("fault", "answer"), [(kinds.twice_first_answer, b"answer 1"), (kinds.twice_second_answer, b"answer 2")]
)
def test_a_request_delivered_twice_is_applied_twice(client, proxy, server, fault, answer):
    proxy.play({1: fault})
    assert put(client) == answer
    assert server.seen == [("/thing", BODY)] * 2


@pytest.mark.parametrize(
    ("fault", "applied"), [(kinds.stall_before, 0), (kinds.stall_after, 1), (kinds.stall_within, 1)]
)
def test_a_stalled_call_ends_with_the_client_s_own_timeout(client, proxy, server, fault, applied):
    proxy.play({1: fault})
    with pytest.raises(TimeoutError):
        put(client)
    assert len(server.seen) == applied


def test_a_wrong_answer_is_the_one_that_was_chosen(client, proxy, server):
    proxy.play({1: kinds.KINDS["502 html, not applied"].on_wire, 2: kinds.KINDS["body half"].on_wire})
    client.request("PUT", "/thing", BODY)
    answer = client.getresponse()
    assert (answer.status, answer.read()) == (502, kinds.HTML)
    assert not server.seen
    client.close()
    assert put(client) == b"answ"


def test_only_the_numbered_call_meets_a_fault(client, proxy, server):
    proxy.play({2: kinds.lose_request(Cut.RESET)})
    assert put(client) == b"answer 1"
    with pytest.raises(ConnectionError):
        put(client)
    client.close()
    assert put(client) == b"answer 2"


def test_there_are_at_least_forty_kinds_and_most_happen_on_the_wire():
    on_wire = [kind for kind in kinds.KINDS.values() if kind.on_wire]
    assert len(on_wire) >= 40
    assert all((kind.on_wire is None) != (kind.inside is None) for kind in kinds.KINDS.values())

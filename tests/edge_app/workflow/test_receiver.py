"""An X-ray machine pushes a film: known peers are accepted, unknown ones are not, nothing is kept."""

import contextlib
import io
import re
import socket
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

from edge_app.errors import KitError
from edge_app.imaging.dicom.syntaxes import readable_syntaxes
from edge_app.imaging.phantom import draw_phantom
from edge_app.workflow.dicom_receiver import Peer, parse_peer, resolved, start_receiver

pynetdicom = pytest.importorskip("pynetdicom", reason="pip install 'cxr-edge-kit[dicom]'")

import pydicom  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid  # noqa: E402

from edge_app.imaging.limits import MAX_FILE_BYTES  # noqa: E402
from edge_app.workflow import dicom_connections  # noqa: E402

MACHINE = Peer("XRAY", "127.0.0.1")


def a_film() -> Dataset:
    pixels = draw_phantom("viral", 3).astype(np.uint16) * 16
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = DigitalXRayImageStorageForPresentation, generate_uid()
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 16, 12, 11
    dataset.PixelRepresentation, dataset.PixelData = 0, pixels.tobytes()
    return dataset


def send(port: int, calling: str = "XRAY", called: str = "CXRKIT", film: Dataset | None = None) -> int | None:
    """The status that the receiver gave; None when it refused to talk."""
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return None
    connection = association.dul.socket.socket
    try:
        return association.send_c_store(film or a_film()).get("Status")
    finally:
        association.release()
        connection.close()


@pytest.fixture
def receiver():
    taken: list[bytes] = []

    def take(content: bytes) -> bool:
        taken.append(content)
        return len(taken) < 2

    server = start_receiver(take, "CXRKIT", ("127.0.0.1", 0), [MACHINE, Peer("FAR", "192.0.2.5")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield server.server_address[1], taken
        server.shutdown()


def test_film_of_a_known_machine_arrives_whole(receiver):
    port, taken = receiver
    assert send(port) == 0x0000
    arrived = pydicom.dcmread(io.BytesIO(taken[0]))
    assert arrived.PixelData == a_film().PixelData
    assert send(port) == 0xA700, "a film that was not recorded is reported, so that the machine sends it again"


def test_unknown_peers_are_refused(receiver):
    port, taken = receiver
    assert send(port, calling="STRANGER") is None
    assert send(port, called="OTHER") is None
    assert send(port, calling="FAR") == 0xC000, "the right title from the wrong address"
    assert taken == []


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def is_closed_within(connection: socket.socket, limit_s: float) -> bool:
    connection.settimeout(limit_s)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("kind", [1, 4])
def test_pdu_that_announces_4_gb_is_refused_before_it_is_read(receiver, kind):
    """0.3.0 took 500 MB of it before any check."""
    before, sent = peak_mb(), 0
    with socket.create_connection(("127.0.0.1", receiver[0]), timeout=10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(struct.pack(">BBL", kind, 0, 2**32 - 2))
            for _ in range(500):
                connection.sendall(bytes(2**20))
                sent += 1
        assert is_closed_within(connection, 5)
    assert sent < 50
    assert peak_mb() - before < 50


def test_idle_connections_do_not_shut_the_x_ray_machine_out(receiver):
    port, taken = receiver
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        assert send(port) == 0x0000
        assert len(taken) == 1
    finally:
        for connection in idle:
            connection.close()


def test_idle_associations_do_not_shut_the_x_ray_machine_out(receiver):
    port, taken = receiver
    entity = pynetdicom.AE(ae_title="XRAY")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    idle = [entity.associate("127.0.0.1", port, ae_title="CXRKIT") for _ in range(8)]
    sockets = [association.dul.socket.socket for association in idle]
    assert idle[-1].is_established
    assert send(port) == 0x0000
    for association in idle:
        association.abort()
    for closed in sockets:  # pynetdicom leaves a socket open whose peer has gone
        closed.close()
    assert len(taken) == 1


@pytest.mark.parametrize("first", [b"", b"\x01\x00\x00", struct.pack(">BBL", 1, 0, 100) + b"half"])
def test_peer_that_says_nothing_or_half_is_disconnected(receiver, monkeypatch, first):
    monkeypatch.setattr(dicom_connections, "PDU_WITHIN_S", 2.0)
    with socket.create_connection(("127.0.0.1", receiver[0])) as connection:
        connection.sendall(first)
        assert is_closed_within(connection, dicom_connections.ASSOCIATE_WITHIN_S + 5)


def test_address_that_is_no_peer_holds_no_place():
    server = start_receiver(lambda content: True, "CXRKIT", ("127.0.0.1", 0), [Peer("XRAY", "192.0.2.5")])
    with socket.create_connection(server.server_address) as connection:
        assert is_closed_within(connection, 2)
    server.shutdown()


def test_film_above_the_largest_size_is_cut_off_and_the_next_one_arrives(receiver):
    port, taken = receiver
    large = a_film()
    large.Rows, large.Columns = 6000, 6000
    large.PixelData = bytes(2 * 6000 * 6000)
    assert len(large.PixelData) > MAX_FILE_BYTES
    assert send(port, film=large) is None
    assert taken == []
    assert send(port) == 0x0000


def test_many_films_of_one_association_are_not_counted_together(receiver, monkeypatch):
    port, _ = receiver
    size = len(a_film().PixelData)
    monkeypatch.setattr(dicom_connections, "MAX_MESSAGE_BYTES", size + 10_000)
    entity = pynetdicom.AE(ae_title="XRAY")
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title="CXRKIT")
    assert [association.send_c_store(a_film()).get("Status") for _ in range(3)] == [0x0000, 0xA700, 0xA700]
    association.release()


def test_receiver_without_peers_does_not_start():
    with pytest.raises(KitError, match="name them with --dicom-peer"):
        start_receiver(lambda content: True, "CXRKIT", ("127.0.0.1", 0), [])


@pytest.mark.parametrize("text", ["XRAY", "@1.2.3.4", "XRAY@", "A" * 17 + "@1.2.3.4"])
def test_malformed_peer_is_refused(text):
    with pytest.raises(ValueError, match="AETITLE@ADDRESS"):
        parse_peer(text)


def test_peer_is_title_and_address():
    assert parse_peer("XRAY@10.0.0.5") == Peer("XRAY", "10.0.0.5")


def test_a_peer_by_name_is_known_by_its_addresses():
    assert Peer("XRAY", "127.0.0.1") in resolved(parse_peer("XRAY@localhost"))
    assert resolved(parse_peer("XRAY@::ffff:10.0.0.5")) == [Peer("XRAY", "10.0.0.5")]


def test_a_name_that_nobody_knows_is_refused_at_the_start():
    with pytest.raises(ValueError, match="is not an address"):
        resolved(parse_peer("XRAY@no-such-machine.invalid"))


def test_a_film_on_which_the_kit_fails_is_refused_and_the_next_is_taken(caplog):
    taken = []

    def take(content: bytes) -> bool:
        taken.append(content)
        if len(taken) == 1:
            raise ZeroDivisionError
        return True

    server = start_receiver(take, "CXRKIT", ("127.0.0.1", 0), [MACHINE])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert send(server.server_address[1]) == 0xC000
        assert send(server.server_address[1]) == 0x0000
        server.shutdown()
    assert "a film of XRAY was not read: ZeroDivisionError" in caplog.text


def test_every_syntax_that_predict_reads_is_offered(receiver):
    port, _ = receiver
    entity = pynetdicom.AE(ae_title="XRAY")
    for syntax in readable_syntaxes():
        entity.add_requested_context(DigitalXRayImageStorageForPresentation, syntax)
    association = entity.associate("127.0.0.1", port, ae_title="CXRKIT")
    accepted = {context.transfer_syntax[0] for context in association.accepted_contexts}
    association.release()
    assert accepted == set(readable_syntaxes())
    assert len(accepted) >= 14

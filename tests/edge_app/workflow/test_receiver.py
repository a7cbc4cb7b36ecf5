"""An X-ray machine pushes a film: known peers are accepted, unknown ones are not, nothing is kept."""

import io
import warnings

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


def send(port: int, calling: str = "XRAY", called: str = "CXRKIT") -> int | None:
    """The status that the receiver gave; None when it refused to talk."""
    entity = pynetdicom.AE(ae_title=calling)
    entity.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return None
    try:
        return association.send_c_store(a_film()).get("Status")
    finally:
        association.release()


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

"""A DICOM receiver: an X-ray machine pushes its films (C-STORE) straight to the kiosk. Off by default.

Only known peers are accepted, by AE title and address, and only with CR and DX films; queries are not
answered. A film is read at once and dropped: no file is written, no identifier kept. `dicom_connections` bounds
what a peer may send.
"""

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from edge_app.errors import KitError
from edge_app.imaging.dicom.syntaxes import readable_syntaxes

# PS3.4 annex B.2.3: status codes of a storage provider.
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peer:
    """An X-ray machine that may send: its AE title and its IP address."""

    ae_title: str
    address: str


def parse_peer(text: str) -> Peer:
    """`AETITLE@ADDRESS`; see `resolved` for the address.

    Raises:
        ValueError: the text has another form.
    """
    ae_title, at, address = text.partition("@")
    if not (at and ae_title.strip() and address.strip()) or len(ae_title) > 16:
        raise ValueError(f"{text!r} is not AETITLE@ADDRESS")
    return Peer(ae_title.strip(), address.strip())


def resolved(peer: Peer) -> list[Peer]:
    """A peer by its numeric addresses. A name is looked up once; on a device without a network, /etc/hosts has it.

    Raises:
        ValueError: the address is no number, and no name that this machine knows.
    """
    try:
        return [Peer(peer.ae_title, numeric_address(peer.address))]
    except ValueError as cause:
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(peer.address, None, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError):
            raise ValueError(
                f"{peer.address!r} is not an address, and no name that this machine knows: "
                "write the machine's IP address, such as XRAY@10.0.0.5"
            ) from cause
        return [Peer(peer.ae_title, numeric_address(address)) for address in sorted(found)]


def numeric_address(text: str) -> str:
    """An IP address as the receiver sees it of a peer: IPv4 also where a system writes it as IPv6.

    Raises:
        ValueError: it is none.
    """
    address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def start_receiver(
    take: Callable[[bytes], bool], ae_title: str, address: tuple[str, int], peers: Iterable[Peer]
) -> Any:
    """Listen in a thread.

    Args:
        take: receives the bytes of a part 10 file; returns whether they were processed (a refusal counts).
        ae_title: the kiosk's own; X-ray machines must address it by this title.
        address: host and port.
        peers: who may send.
    Returns:
        The server; `server.shutdown()` ends it, `server.server_address` holds the port.
    Raises:
        KitError: pynetdicom is missing, no peer is named, or the port is taken.
    """
    known = frozenset(peers)
    if not known:
        raise KitError("the DICOM receiver has no peers: name them with --dicom-peer AETITLE@ADDRESS")
    try:
        from pynetdicom import AE, evt
        from pynetdicom.sop_class import (
            ComputedRadiographyImageStorage,
            DigitalXRayImageStorageForPresentation,
            Verification,
        )

        from edge_app.workflow.dicom_connections import ASSOCIATE_WITHIN_S, IDLE_S, BoundedServer
    except ImportError as cause:
        raise KitError("the DICOM receiver needs pynetdicom: pip install 'cxr-edge-kit[dicom]'") from cause

    entity = AE(ae_title=ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = sorted({peer.ae_title for peer in known})
    entity.maximum_associations = 1000  # `BoundedServer` counts; pynetdicom is slow to see who left
    entity.acse_timeout, entity.network_timeout = ASSOCIATE_WITHIN_S, IDLE_S
    syntaxes = list(readable_syntaxes())
    for kind in (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation):
        entity.add_supported_context(kind, syntaxes)
    entity.add_supported_context(Verification)

    def store(event: Any) -> int:
        requestor = event.assoc.requestor
        peer = Peer(requestor.ae_title.strip(), numeric_address(requestor.address))
        if peer not in known:
            LOG.warning("refused a film of %s at %s, which is no --dicom-peer", peer.ae_title, peer.address)
            return CANNOT_UNDERSTAND
        try:
            return SUCCESS if take(event.encoded_dataset()) else OUT_OF_RESOURCES
        except Exception as error:  # the receiver must live, whatever a film does
            LOG.error("a film of %s was not read: %r", peer.ae_title, error)
            return CANNOT_UNDERSTAND

    def complete(event: Any) -> None:
        if connection := event.assoc.dul.socket.socket:
            connection.message_bytes = 0

    handlers = [(evt.EVT_C_STORE, store), (evt.EVT_DIMSE_RECV, complete)]
    addresses = {peer.address for peer in known}

    def is_known(address: str) -> bool:
        return numeric_address(address) in addresses

    try:
        server = entity.make_server(address, evt_handlers=handlers, server_class=BoundedServer, is_known=is_known)
    except OSError as cause:
        raise KitError(f"the DICOM receiver cannot listen on {address[0]}:{address[1]}: {cause.strerror}") from cause
    entity._servers.append(server)  # as `start_server` does, which takes no class of server
    threading.Thread(target=server.serve_forever, name="dicom", daemon=True).start()
    return server

"""A directory for tests: Debian's slapd on a port of its own, with people, groups, and a certificate of its own authority."""

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.installation import free_port

BASE = "dc=uni,dc=example"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
#: The account by which a hub finds people.
HUB = f"cn=hub,{BASE}"
HUB_PASSWORD = "the hub's own"
#: People's passwords, by their names.
PASSWORDS = {"ada": "correct horse é", "grace": "battery staple", "(odd)*": "odd", "root": "toor", "locked": "locked"}

_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/authority.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw manager
directory {folder}/data
maxsize 16777216
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{groups}" by dn.exact="{hub}" read by dn.subtree="{people}" read by * none
access to * by dn.exact="{hub}" read by self read by * search
"""


def _person(name: str, *more: str) -> str:
    rdn = "".join(f"\\{letter}" if letter in ',+"\\<>;=' else letter for letter in name)
    return "\n".join([
        f"dn: uid={rdn},{PEOPLE}", "objectClass: inetOrgPerson", f"uid: {name}", f"sn: {name}",
        f"userPassword: {PASSWORDS.get(name, 'none')}", *more,
    ])  # fmt: skip


def _group(name: str, *members: str) -> str:
    lines = [f"dn: cn={name},{GROUPS}", "objectClass: groupOfNames", f"cn: {name}"]
    return "\n".join([*lines, *(f"member: uid={member},{PEOPLE}" for member in members)])


_LDIF = "\n\n".join([
    f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: uni\ndc: uni",
    f"dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: people",
    f"dn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups",
    f"dn: {HUB}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: hub\nuserPassword: {HUB_PASSWORD}",
    _person("ada", "cn: Ada Lovelace", "mail: ada@uni.example"),
    _person("grace", "cn: Grace Hopper", "employeeType: staff"),
    _person("root", "cn: Not Root"),
    _person("locked", "cn: Locked", "employeeType: locked"),
    _person("(odd)*", "cn: Odd"),
    # Two entries of one name, and one that a directory takes for `ada` too: it compares letters by what they look like.
    f"dn: cn=first,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: first\nsn: twin\nuid: twin\nuserPassword: twin",
    f"dn: cn=second,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: second\nsn: twin\nuid: twin\nuserPassword: twin",
    f"dn: cn=wide,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: wide\nsn: x\nuid: \uff4c\uff49\uff4b\uff45\nuserPassword: x",
    _group("Students", "ada", "grace"),
    _group("lab", "ada"),
    _group("with space", "ada"),
    f"dn: cn=posix,{GROUPS}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 5000\nmemberUid: grace",
    f"dn: ou=elsewhere,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\nref: {{elsewhere}}/{PEOPLE}",
])  # fmt: skip


class LdapServer:
    """slapd on 127.0.0.1, by `ldap://` (with StartTLS) and `ldaps://`; its certificate is for 127.0.0.1 and localhost alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.tls_port = free_port(), free_port()
        self.elsewhere = socket.create_server(("127.0.0.1", 0))  # where its referrals lead
        self.authority = folder / "authority.pem"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def misnamed_urls(self) -> tuple[str, str]:
        """Addresses that its certificate doesn't have: in clear at first, and with TLS."""
        return f"ldap://127.0.0.2:{self.port}", f"ldaps://127.0.0.2:{self.tls_port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def __enter__(self) -> Self:
        (self.folder / "data").mkdir(parents=True)
        _write_certificates(self.folder)
        conf = self.folder / "slapd.conf"
        conf.write_text(_CONF.format(folder=self.folder, base=BASE, groups=GROUPS, people=PEOPLE, hub=HUB))
        slapd = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin")
        assert slapd, "slapd is not installed; scripts/install test does it"
        with (self.folder / "slapd.log").open("wb") as log:
            listen = " ".join(f"{url}/" for url in (self.url, self.tls_url, *self.misnamed_urls))
            # A copy: where AppArmor runs, its profile of the original lets that read no folder of a test's.
            command = [shutil.copy(slapd, self.folder / "slapd"), "-f", str(conf), "-h", listen, "-d", "none"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            self._wait()
            self.change(_LDIF.format(elsewhere=f"ldap://127.0.0.1:{self.elsewhere.getsockname()[1]}"), add=True)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
        self.elsewhere.close()

    def change(self, ldif: str, *, add: bool = False) -> None:
        """Change entries as an administrator of the directory, or add some."""
        program = "ldapadd" if add else "ldapmodify"
        command = [program, "-x", "-H", self.url, "-D", f"cn=root,{BASE}", "-w", "manager"]
        done = subprocess.run(command, input=ldif.encode(), capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "slapd.log").read_text()
            try:
                for port in (self.port, self.tls_port):
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)
        raise RuntimeError("slapd does not listen")


def _write_certificates(folder: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)

    def sign(name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests of RSparkHub")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (folder / "authority.pem").write_bytes(sign("Tests of RSparkHub", authority, authority, ca=True))
    (folder / "server.pem").write_bytes(sign("server", key, authority, ca=False))
    as_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(as_pem)

#!/usr/bin/env python3
"""Makes the messages here anew, by GLib (Debian: python3-gi)."""

from pathlib import Path

from gi.repository import Gio, GLib

MANAGER = "/org/freedesktop/login1"
SESSION = MANAGER + "/session/_31"
PROPERTIES = "org.freedesktop.DBus.Properties"
FOLDER = Path(__file__).parent


def reply(signature, value):
    message = Gio.DBusMessage.new()
    message.set_message_type(Gio.DBusMessageType.METHOD_RETURN)
    message.set_reply_serial(9)
    message.set_body(GLib.Variant(signature, value))
    return message


def write(name, message, order):
    message.set_byte_order(order)
    message.set_sender(":1.5")
    message.set_serial(77)
    blob = message.to_blob(Gio.DBusCapabilityFlags.NONE)
    (FOLDER / name).write_bytes(bytes(blob))


properties = {
    "Id": GLib.Variant("s", "1"),
    "User": GLib.Variant("(uo)", (1000, MANAGER + "/user/_1000")),
    "Name": GLib.Variant("s", "jane"),
    "Timestamp": GLib.Variant("t", 1795771457753000),
    "VTNr": GLib.Variant("u", 2),
    "Seat": GLib.Variant("(so)", ("seat0", MANAGER + "/seat/seat0")),
    "Remote": GLib.Variant("b", False),
    "Type": GLib.Variant("s", "wayland"),
    "Class": GLib.Variant("s", "user"),
    "Active": GLib.Variant("b", True),
    "Odd": GLib.Variant("(ya{s(id)}av)", (7, {"a": (1, 2.0)}, [GLib.Variant("q", 3)])),
    "LockedHint": GLib.Variant("b", True),
}
listed = [("1", 1000, "jane", "seat0", SESSION), ("c2", 42, "gdm", "seat0", MANAGER + "/session/c2")]
changed = Gio.DBusMessage.new_signal(SESSION, PROPERTIES, "PropertiesChanged")
changed.set_body(
    GLib.Variant(
        "(sa{sv}as)",
        ("org.freedesktop.login1.Session", {"Active": GLib.Variant("b", False)}, ["IdleHint"]),
    )
)
little, big = Gio.DBusMessageByteOrder.LITTLE_ENDIAN, Gio.DBusMessageByteOrder.BIG_ENDIAN
write("properties", reply("(a{sv})", (properties,)), little)
write("list", reply("(a(susso))", (listed,)), big)
write("changed", changed, big)

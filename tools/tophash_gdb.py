# SPDX-License-Identifier: Apache-2.0
"""gdb pretty-printers for tophash's maps and sets: entries, composition, size, state of growth.

    (gdb) source tools/tophash_gdb.py
    (gdb) print words
    $1 = tophash map of 2 entries in 1 bucket (preset and options: layout=bucket_chain,...) = {["a"] = 1, ["b"] = 2}

Needs debug information of the program (-g) and gdb 9 or later. Everything is read from memory, no function of the
program is called: core files will do. What the compiler leaves out of the debug information (constants of the layout) is
computed from the names of the types; framework/layout/bucket_chain.hpp and open_groups.hpp have the byte diagrams.
"""

import re

import gdb

AXES = ("layout", "hashing", "sizing", "deletion", "load", "growth", "overflow", "allocation", "iteration", "sync",
        "observe")
BUCKET_OPTIONS = (("slots", 8), ("tag_bits", 8), ("arrange", 0), ("inline_limit_bytes", 128), ("group_bytes", 0),
                  ("filter_bits", 0), ("link", 0), ("align_bytes", 0))
BUCKET_ENUMERATORS = {"arrange": ("paired", "split"), "link": ("pointer", "index32")}
BLOCKS_A_PLACE = 8  # framework/concepts/overflow.hpp
IMMEDIATE, TOMBSTONE, DIRTY = range(3)


# ---- names of types --------------------------------------------------------------------------------

def split_arguments(name):
    """'a<b, c<d>>' -> ('a', ['b', 'c<d>'])"""
    begin = name.find("<")
    if begin < 0 or not name.endswith(">"):
        return name, []
    arguments, depth, part = [], 0, ""
    for c in name[begin + 1:-1]:
        depth += c in "<{("
        depth -= c in ">})"
        if c == "," and depth == 0:
            arguments.append(part.strip())
            part = ""
        else:
            part += c
    return name[:begin], arguments + [part.strip()]


def is_number(text):
    return re.fullmatch(r"-?\d+[uUlL]*", text) is not None


def number(text):
    """'8ul', '(tophash::wipe)2', 'true'"""
    text = re.sub(r"^\(.*\)", "", text)
    if text in ("true", "false"):
        return int(text == "true")
    return int(re.sub(r"[uUlL]+$", "", text))


def enumerated(text, names):
    """An enumerator by number or by name: its name."""
    return names[number(text)] if re.search(r"\d[uUlL]*$", text) else text.rsplit("::", 1)[-1]


def fields_of(text):
    """'bucket_options{8, 8, (tophash::arrangement)1}' -> its parts"""
    return split_arguments("x<" + text[text.index("{") + 1:text.rindex("}")] + ">")[1]


def bucket_options(name):
    parts = fields_of(name)
    values = {field: usual for field, usual in BUCKET_OPTIONS}
    for (field, _), part in zip(BUCKET_OPTIONS, parts):
        part = re.sub(r"^\.?\w+\s*[:=]\s*(?!:)", "", part)
        names = BUCKET_ENUMERATORS.get(field)
        values[field] = names.index(enumerated(part, names)) if names else number(part)
    return values


# ---- a spec's canonical text -----------------------------------------------------------------------

def bucket_chain_text(arguments):
    options = bucket_options(arguments[0]) if arguments else dict(BUCKET_OPTIONS)
    given = [f"{field}={BUCKET_ENUMERATORS[field][options[field]] if field in BUCKET_ENUMERATORS else options[field]}"
             for field, usual in BUCKET_OPTIONS if options[field] != usual]
    return "bucket_chain" + (f"({','.join(given)})" if given else "")


def reason_text(name):
    short, arguments = split_arguments(name)
    word = short.rsplit("::", 1)[-1]
    if word == "batch":
        return f"batch({','.join(str(number(a)) for a in arguments)})"
    return f"{word}={number(arguments[0])}" if arguments else word


def kept_text(word, arguments, usual_clock):
    clock = arguments[1].rsplit("::", 1)[-1] if len(arguments) > 1 else usual_clock
    return f"{word}({number(arguments[0])}" + (f",{clock})" if clock != usual_clock else ")")


SPECIAL = {
    "bucket_chain": lambda a: bucket_chain_text(a),
    "directory": lambda a: "directory" if not a or number(a[0]) == 1024 else f"directory({number(a[0])})",
    "open_groups": lambda a: "open_groups" if not a or number(a[0]) == 16 else f"open_groups({number(a[0])})",
    "basic_tombstone": lambda a: "tombstone" if number(a[0])
                       else "tombstone(hinted)" if len(a) > 1 and number(a[1]) else "tombstone(not_reusing)",
    "purging": lambda a: f"purging({option_text(a[0])},{reason_text(a[1])})",
    "wiping": lambda a: f"wiping({option_text(a[0])},{enumerated(a[1], ('none', 'pointers', 'all'))})",
    "load": lambda a: f"load({number(a[0])},{number(a[1]) if len(a) > 1 else 1})",
    "incremental": lambda a: f"incremental({number(a[0])}"
                             + (",every_write)" if len(a) > 1 and number(a[1]) else ")"),
    "regrowing": lambda a: f"regrowing({option_text(a[0])},{reason_text(a[1]) if len(a) > 1 else 'overflow'})",
    "basic_owner_checked": lambda a: "owner_checked"
                                     + ("" if not a or a[0].endswith("aborting") else f"({a[0].rsplit('::', 1)[-1]})"),
    "event_log": lambda a: kept_text("event_log", a, "steady_clock"),
    "tombstone_log": lambda a: kept_text("tombstone_log", a, "no_clock"),
}


def option_text(name):
    """What option_name<O>() says of one of tophash's own options; any other type in angle brackets."""
    short, arguments = split_arguments(name)
    path = short.split("::")
    if path[0] != "tophash":
        return f"<{name}>"
    word = path[-1]
    if word in SPECIAL:
        return SPECIAL[word](arguments)
    if not arguments:
        return word
    return f"{word}({','.join(str(number(a)) if is_number(a) else option_text(a) for a in arguments)})"


def spec_text(name):
    options = split_arguments(name)[1]
    return ",".join(f"{axis}={option_text(o)}" for axis, o in zip(AXES, options))


# ---- a table ---------------------------------------------------------------------------------------

def align_up(offset, align):
    return (offset + align - 1) // align * align


def tag_bytes(address, count):
    return gdb.selected_inferior().read_memory(address, count).tobytes()


class Table:
    """The state inside a container, whatever the layout."""

    def __init__(self, container):
        holder = holder_of(container)
        self.state = holder["s_"]
        binding = self.state.type.strip_typedefs().template_argument(0)
        arguments = split_arguments(binding.name)[1]
        if holder.type.strip_typedefs().name.split("<")[0].endswith("::container"):
            self.key, self.mapped = (holder.type.strip_typedefs().template_argument(i) for i in (0, 1))
        else:
            self.key, self.mapped = (gdb.lookup_type(a) for a in arguments[:2])
        self.is_set = self.mapped.strip_typedefs().code == gdb.TYPE_CODE_VOID
        self.spec_name = arguments[2]
        self.layout_name = split_arguments(self.spec_name)[1][0]
        # The layout's model says what kind of deletion it was made for.
        facts = self.state["current"].type.strip_typedefs().name
        told = fields_of(facts[facts.index("deletion_facts{"):facts.index("}", facts.index("deletion_facts{")) + 1])
        kind, _, hinted = (re.sub(r"^\.?\w+\s*[:=]\s*(?!:)", "", field) for field in told[:3])
        self.hinted = number(hinted)
        self.deletion = (IMMEDIATE, TOMBSTONE, DIRTY)[
            ("immediate", "tombstone", "dirty").index(enumerated(kind, ("immediate", "tombstone", "dirty")))]

    def is_live(self, tag):
        return tag >= self.first_live and not (self.deletion == DIRTY and tag >= 0x80)

    def units(self):
        return int(self.state["current"]["units"])

    def text(self):
        units, old, done = self.units(), self.old_units(), self.progress()
        size = int(self.state["size"])
        out = f"tophash {'set' if self.is_set else 'map'} of {size} {'entry' if size == 1 else 'entries'}"
        out += f" in {units} {self.unit}{'' if units == 1 else 's'}"
        if old:
            out += f", growing: the first {done} of {old} old {self.unit}s are evacuated"
        return out + f" ({spec_text(self.spec_name)})"


class ChainTable(Table):
    unit = "bucket"

    def __init__(self, container):
        super().__init__(container)
        self.options = bucket_options(self.layout_name)
        self.split = self.options["arrange"] == 1 and not self.is_set
        self.first_live = 8 if self.deletion == DIRTY else 9 if self.hinted else 5
        if not self.is_set:
            self.value_offset = align_up(self.key.sizeof, self.mapped.alignof)
            self.pair_bytes = align_up(self.value_offset + self.mapped.sizeof,
                                       max(self.key.alignof, self.mapped.alignof))

    def old_units(self):
        return int(self.state["old"]["units"])

    def progress(self):
        return int(self.state["progress"])

    def homes(self, array):
        units = int(array["units"])
        if self.options["group_bytes"] == 0:
            for i in range(units):
                yield array["buckets"] + i
            return
        bucket_bytes = array["groups"].type.target().target().sizeof
        fit = max(self.options["group_bytes"] // bucket_bytes, 1)
        in_group = 1 << (fit.bit_length() - 1)
        for i in range(units):
            group = array["groups"][i // in_group]
            if int(group) != 0:
                yield group + i % in_group

    def part(self, address, kind):
        """An object of this type: in the slot, or behind the pointer there if it is over the limit."""
        pointer = gdb.Value(address).cast(kind.pointer())
        if kind.sizeof > self.options["inline_limit_bytes"]:
            pointer = pointer.cast(kind.pointer().pointer()).dereference()
        return pointer.dereference()

    def part_bytes(self, kind):
        return 8 if kind.sizeof > self.options["inline_limit_bytes"] else kind.sizeof

    def part_align(self, kind):
        return 8 if kind.sizeof > self.options["inline_limit_bytes"] else kind.alignof

    def entry(self, bucket, slot):
        begin = int(bucket["entries"].address)
        if self.is_set:
            return self.part(begin + slot * self.part_bytes(self.key), self.key), None
        if self.split:
            values = align_up(self.options["slots"] * self.part_bytes(self.key), self.part_align(self.mapped))
            return (self.part(begin + slot * self.part_bytes(self.key), self.key),
                    self.part(begin + values + slot * self.part_bytes(self.mapped), self.mapped))
        if self.pair_bytes > self.options["inline_limit_bytes"]:
            at = int(gdb.Value(begin + slot * 8).cast(gdb.lookup_type("unsigned long").pointer()).dereference())
        else:
            at = begin + slot * self.pair_bytes
        return (gdb.Value(at).cast(self.key.pointer()).dereference(),
                gdb.Value(at + self.value_offset).cast(self.mapped.pointer()).dereference())

    def entries(self):
        for array in (self.state["current"], self.state["old"]):
            for bucket in self.homes(array):
                while int(bucket) != 0:
                    tags = tag_bytes(int(bucket["tags"].address), 8)
                    for slot in range(self.options["slots"]):
                        if self.is_live(tags[slot]):
                            yield self.entry(bucket, slot)
                    bucket = self.next(bucket)

    def next(self, bucket):
        if self.options["link"] == 0:
            return bucket["link"]
        number = int(bucket["link"])
        if number == 0:
            return 0
        slab = self.state["current"]["links"]["places"][number // BLOCKS_A_PLACE]
        return slab.cast(bucket.type) + number % BLOCKS_A_PLACE


class OpenTable(Table):
    unit = "group"

    def __init__(self, container):
        super().__init__(container)
        classic = self.deletion == TOMBSTONE
        self.first_live = 3 if classic else 2
        self.width = self.state["current"]["groups"].type.target().sizeof
        self.slots = self.width if classic else self.width - 1
        self.in_nodes = "::nodes" in self.layout_name

    @staticmethod
    def units_of(array):
        if int(array["entries"]) == 0:
            return 0
        told = any(f.name == "mask" for f in array["map"].type.strip_typedefs().fields())
        return (int(array["map"]["mask"]) if told else int(array["last"])) + 1

    def units(self):
        return self.units_of(self.state["current"])

    def generation(self):
        generation = self.state["generation"]
        return generation if any(f.name == "old" for f in generation.type.strip_typedefs().fields()) else None

    def old_units(self):
        generation = self.generation()
        return self.units_of(generation["old"]) if generation is not None else 0

    def progress(self):
        generation = self.generation()
        return int(generation["progress"]) if generation is not None else 0

    def arrays(self):
        generation = self.generation()
        return [self.state["current"]] + ([generation["old"]] if generation is not None else [])

    def entries(self):
        for array in self.arrays():
            for unit in range(self.units_of(array)):
                tags = tag_bytes(int(array["groups"]) + unit * self.width, self.slots)
                for slot in range(self.slots):
                    if not self.is_live(tags[slot]):
                        continue
                    value = array["entries"][unit * self.slots + slot]
                    if self.in_nodes:
                        value = value.dereference()["value"]
                    yield (value, None) if self.is_set else (value["first"], value["second"])


class DirectoryTable(OpenTable):
    def __init__(self, container):
        super().__init__(container)
        self.in_nodes = self.state["current"]["entries"].type.target().code == gdb.TYPE_CODE_PTR

    def units(self):
        return int(self.state["units"])

    def arrays(self):
        tables = self.state["tables"]
        if int(tables) == 0:
            return [self.state["current"]]
        places = [tables[place] for place in range(1 << int(self.state["depth"]))]
        # The places of a table lie beside each other.
        return [t["groups"] for i, t in enumerate(places) if i == 0 or int(t) != int(places[i - 1])]


def holder_of(container):
    """The base class object that has the member s_."""
    value = container
    while not any(f.name == "s_" for f in value.type.strip_typedefs().fields()):
        bases = [f for f in value.type.strip_typedefs().fields() if f.is_base_class]
        if not bases:
            raise LookupError("no table in " + str(container.type))
        value = value[bases[0]]
    return value


def table_of(container):
    state = holder_of(container)["s_"].type.strip_typedefs()
    family = state.name.split("binding<")[0] + "<"
    if "open_state<" not in family:
        return ChainTable(container)
    return DirectoryTable(container) if family.endswith("directory_<") else OpenTable(container)


class ContainerPrinter:
    def __init__(self, value):
        self.table = table_of(value)

    def to_string(self):
        return self.table.text()

    def display_hint(self):
        return "array" if self.table.is_set else "map"

    def children(self):
        for index, (key, value) in enumerate(self.table.entries()):
            yield f"[{index}] key", key
            if value is not None:
                yield f"[{index}] value", value


CONTAINERS = re.compile(r"^tophash::(v\d+::)?(basic_map|basic_set|unordered_\w+)<")


class Lookup:
    """gdb asks by value; `disable pretty-printer global tophash` switches it off."""
    name = "tophash"
    enabled = True
    subprinters = None

    def __call__(self, value):
        kind = value.type
        if kind.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
            kind = value.type
        name = kind.unqualified().strip_typedefs().name
        return ContainerPrinter(value) if name is not None and CONTAINERS.match(name) else None


gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "name", None) != Lookup.name]
gdb.pretty_printers.append(Lookup())

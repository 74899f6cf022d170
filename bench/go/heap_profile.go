// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime"
	"strconv"
	"strings"
)

type asked struct{ requests, bytes float64 }

var askers = []string{"makemap", "hashGrow", "growWork", "newobject"}

// Who asked, by the functions on the stack, as the C++ measurement counts: what a growth moves and what it allocates
// first, then a map being made, the first array of a map without a hint with it; the rest are overflow buckets of
// inserts.
func askerOf(stack []uintptr) string {
	const growth, moved, made, insert, overflow = 1, 2, 4, 8, 16
	found := 0
	frames := runtime.CallersFrames(stack)
	for {
		frame, more := frames.Next()
		switch name := strings.TrimPrefix(frame.Function, "runtime."); {
		case name == "hashGrow":
			found |= growth
		case strings.HasPrefix(name, "growWork"), strings.HasPrefix(name, "evacuate"):
			found |= moved
		case strings.HasPrefix(name, "makemap"):
			found |= made
		case strings.HasPrefix(name, "mapassign"):
			found |= insert
		case strings.HasSuffix(name, "newoverflow"):
			found |= overflow
		}
		if !more {
			break
		}
	}
	switch {
	case found&growth != 0:
		return "hashGrow"
	case found&moved != 0:
		return "growWork"
	case found&made != 0 || found&insert != 0 && found&overflow == 0:
		return "makemap"
	case found&insert != 0:
		return "newobject"
	}
	return ""
}

// All that maps were allocated so far. A profile is complete two collections later.
func allocatedByAsker() map[string]asked {
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	records := make([]runtime.MemProfileRecord, 1024)
	for {
		n, fits := runtime.MemProfile(records, true)
		if fits {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, 2*n)
	}
	out := map[string]asked{}
	for i := range records {
		who := askerOf(records[i].Stack())
		if who == "" {
			continue
		}
		sum := out[who]
		sum.requests += float64(records[i].AllocObjects)
		sum.bytes += float64(records[i].AllocBytes)
		out[who] = sum
	}
	return out
}

// T-A2. Go's own heap profile, of every allocation.
func heapProfile(request *request, round int, out *result) {
	if why := whyNoBuckets(); why != "" {
		for _, who := range askers {
			for _, program := range []string{".grown", ".hinted", ".churned"} {
				out.Missing[who+program+".bytes"], out.Missing[who+program+".requests"] = why, why
			}
		}
		return
	}
	entries := request.whole("entries")
	texts := make([]string, 2*entries)
	for i := range texts {
		texts[i] = "key_" + strconv.Itoa(i)
	}
	programs := []struct {
		name string
		run  func() map[string]int
	}{
		{"grown", func() map[string]int { return filledWith(make(map[string]int), texts[:entries]) }},
		{"hinted", func() map[string]int { return filledWith(make(map[string]int, entries), texts[:entries]) }},
		{"churned", func() map[string]int {
			m := filledWith(make(map[string]int), texts[:entries])
			for i := 0; i < entries; i++ {
				delete(m, texts[i])
				m[texts[entries+i]] = 0
			}
			return m
		}},
	}
	for _, program := range programs {
		before := allocatedByAsker()
		rate := runtime.MemProfileRate
		runtime.MemProfileRate = 1
		m := program.run()
		runtime.MemProfileRate = rate
		if len(m) != entries {
			fail("T-A2: the map lost an entry")
		}
		after := allocatedByAsker()
		var all asked
		for _, who := range askers {
			all.requests += after[who].requests - before[who].requests
			all.bytes += after[who].bytes - before[who].bytes
		}
		for _, who := range askers {
			at := who + "." + program.name
			out.note(at+".bytes", "%", true, 100*(after[who].bytes-before[who].bytes)/all.bytes)
			out.note(at+".requests", "%", true, 100*(after[who].requests-before[who].requests)/all.requests)
		}
		out.note("requests."+program.name, "requests", true, all.requests)
		out.note("mb."+program.name, "MB", true, all.bytes/1e6)
		runtime.KeepAlive(m)
	}
}

func filledWith(m map[string]int, texts []string) map[string]int {
	for _, text := range texts {
		m[text] = 0
	}
	return m
}

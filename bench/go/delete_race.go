// SPDX-License-Identifier: Apache-2.0

package main

import "sync"

// T-C2. Not joined: the goroutine that deletes was started, no more.
func deleteRace(asked *request, round int, out *result) {
	races := asked.whole("races")
	for _, name := range []string{"racing", "joined"} {
		absent := 0
		for i := 0; i < races; i++ {
			var m sync.Map
			var over sync.WaitGroup
			m.Store(1, 42)
			over.Add(1)
			go func() {
				m.Delete(1)
				over.Done()
			}()
			if name == "joined" {
				over.Wait()
			}
			if _, found := m.Load(1); !found {
				absent++
			}
			over.Wait()
		}
		out.note("absent_percent."+name, "%", false, 100*float64(absent)/float64(races))
	}
}

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"unsafe"
)

const clockThreadCPUTime = 3 // CLOCK_THREAD_CPUTIME_ID

// CPU time of the thread, as in the C++ measurements. The collector's threads are not in it.
func threadCPUNs() int64 {
	var now syscall.Timespec
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTime,
		uintptr(unsafe.Pointer(&now)), 0); errno != 0 {
		fail("clock_gettime: %v", errno)
	}
	return now.Nano()
}

func cpuMs(action func()) float64 {
	started := threadCPUNs()
	action()
	return float64(threadCPUNs()-started) / 1e6
}

import { setFlagsFromString } from 'node:v8';

/**
 * A collection of the whole heap takes both cores of a small machine for 80 ms, and at 200 messages a second one came every 4 s: they were the slowest percent of the messages.
 * So the heap may grow to twice what lives in it, instead of by a fifth, and objects are not put among the old ones from the start (V8 decides that by what it saw during a
 * burst, and keeps to it). For every entry into `serve`, these are set here and not on a command line.
 */
export function tuneHeap(): void {
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString('--no-allocation-site-pretenuring');
}

import { setFlagsFromString } from 'node:v8';

/**
 * V8 puts objects among the old ones from the start when it saw most of their kind live long during a burst, and keeps to it. A message's objects then wait for a collection of the
 * whole heap, which takes both cores of a small machine for 80 ms: at 200 messages a second one came every 4 s, and these were the slowest percent of the messages.
 * Set here and not on a command line, so that it holds for every entry into `serve`.
 */
export function tuneHeap(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

import type { HeliographServer } from '../../bench/process/heliograph-server.js';

/** All that one process has to tell another of a server that runs. */
export interface ServerPlace extends Pick<HeliographServer, 'publicUrl' | 'socketUrl' | 'temporalUiUrl' | 'adminUrls'> {
  /** The data directory, or the name of what the engines hold. */
  readonly data: string;
  /** Of the distributed profile: past the load balancer, by the name of the gateway. */
  readonly socketUrlOf: Readonly<Record<string, string>>;
}

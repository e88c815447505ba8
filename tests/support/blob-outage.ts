import { renameSync } from 'node:fs';
import { join } from 'node:path';

import { stackPorts } from '../../app/stack/endpoints.js';
import { isDistributed, type TestServer } from './server.js';
import { startTcpProxy } from './tcp-proxy.js';

/** Takes the blob store of a server away, and gives it back: a directory that is moved, or the way to S3. */
export interface BlobOutage {
  /** Of the server. */
  readonly environment: Readonly<Record<string, string>>;
  begin(server: TestServer): void;
  end(server: TestServer): void;
  close(): Promise<void>;
}

export async function blobOutage(): Promise<BlobOutage> {
  if (!isDistributed) {
    const directory = ({ embedded }: TestServer) => join(embedded.dataDirectory, 'blobs');
    return {
      environment: {},
      begin: (server) => {
        renameSync(directory(server), `${directory(server)}.away`);
      },
      end: (server) => {
        renameSync(`${directory(server)}.away`, directory(server));
      },
      close: () => Promise.resolve(),
    };
  }
  const proxy = await startTcpProxy(stackPorts.s3);
  const url = `http://127.0.0.1:${proxy.port}`;
  return {
    environment: { HELIOGRAPH_S3_URL: url },
    begin: () => {
      proxy.cut();
    },
    end: () => {
      proxy.mend();
    },
    close: () => proxy.close(),
  };
}

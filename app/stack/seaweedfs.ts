import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { answersOk } from '../engines/answers-ok.js';
import { inBackground } from './background.js';
import { stackCredentials, stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';
import { toolPath } from './tools.js';

/** Nothing but S3. */
export const seaweedfsFlags = ['-s3.port.iceberg=0', '-s3.port.lance=0', '-webdav=false', '-admin.ui=false', '-master.telemetry=false'];

/** An S3 server on that port of the loopback address; its parts talk to each other on the four ports that follow. */
export function seaweedfsOn(port: number): StackEngine {
  const parts = { master: port + 1, volume: port + 2, filer: port + 3, admin: port + 4 };
  return {
    name: 's3',
    ports: [port, ...Object.values(parts)],
    prepare: (directory) => {
      const data = join(directory, 'data');
      mkdirSync(data, { recursive: true });
      const { accessKeyId, secretAccessKey } = stackCredentials.s3;
      const [command, ...before] = [...inBackground, toolPath('seaweedfs/bin/weed')];
      return {
        command,
        args: [
          ...before,
          ...['mini', `-dir=${data}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-s3.port=${port}`],
          ...[`-master.port=${parts.master}`, `-volume.port=${parts.volume}`, `-filer.port=${parts.filer}`, `-admin.port=${parts.admin}`],
          ...seaweedfsFlags,
        ],
        environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      };
    },
    isReady: () => answersOk(`http://127.0.0.1:${port}/healthz`),
  };
}

export const seaweedfs = seaweedfsOn(stackPorts.s3);

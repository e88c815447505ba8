import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from '@jest/globals';

import { eventually } from './eventually.js';

/** After so many bytes of its answer. */
const breaksAfterBytes = 100_000;

/** Between devices and the place where the bytes of files are. */
export interface BreakingProxy {
  readonly url: string;
  /** Breaks the next so many downloads, each when the device has kept more bytes than before. */
  breakDownloads(count: number, keptBytes: () => number): void;
  /** At which byte the downloads since then began. */
  starts(): readonly number[];
  close(): Promise<void>;
}

export async function startBreakingProxy(target: () => string): Promise<BreakingProxy> {
  let breaks = 0;
  let keptBytes = () => 0;
  let starts: number[] = [];
  const proxy = createServer((asked, answer) => {
    const start = isDownload(asked) ? startOf(asked.headers.range) : undefined;
    if (start !== undefined) starts.push(start);
    const breaksAt = start !== undefined && starts.length <= breaks ? start : undefined;
    const through = request(new URL(asked.url ?? '', target()), { method: asked.method, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      let passed = 0;
      response.on('data', (bytes: Buffer) => {
        passed += bytes.byteLength;
        answer.write(bytes);
        if (breaksAt === undefined || passed <= breaksAfterBytes) return;
        response.pause();
        void eventually(() => expect(keptBytes()).toBeGreaterThan(breaksAt)).finally(() => answer.destroy());
      });
      response.on('end', () => answer.end());
    });
    through.on('error', () => answer.destroy());
    asked.pipe(through);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    breakDownloads: (count, kept) => {
      breaks = count;
      keptBytes = kept;
      starts = [];
    },
    starts: () => starts,
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve());
        proxy.closeAllConnections();
      }),
  };
}

/** Of a gateway or of S3, whose paths begin with the bucket. */
function isDownload({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && /^\/(?:v1\/blobs|(?!v1)[^/]+\/media)\//.test(url);
}

function startOf(range: string | undefined): number {
  return Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { freePort } from '../../app/engines/ports.js';
import { eventually } from './eventually.js';
import { temporaryDirectory } from './temporary-directory.js';

const size = { width: 1400, height: 1000 };
/** A page that loads what it shows, and goes on asking for news, is never done. */
const settleMs = 6_000;

export interface Browser {
  /** A PNG of the page. */
  picture(url: string): Promise<Buffer>;
  close(): Promise<void>;
}

interface Answer {
  readonly id?: number;
  readonly result?: { readonly data?: string };
}

/** Chromium without a window (Debian: `chromium`), by its DevTools protocol. */
export async function openBrowser(): Promise<Browser> {
  const profile = temporaryDirectory();
  const port = await freePort();
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', `--user-data-dir=${profile.path}`];
  const child = spawn('chromium', [...args, `--window-size=${size.width},${size.height}`, `--remote-debugging-port=${port}`, 'about:blank'], {
    stdio: 'ignore',
  });
  const devTools = `http://127.0.0.1:${port}/json`;
  await eventually(() => fetch(`${devTools}/version`), 60_000);
  return {
    picture: async (url) => {
      const page = (await (await fetch(`${devTools}/new?${encodeURIComponent(url)}`, { method: 'PUT' })).json()) as { webSocketDebuggerUrl: string };
      const socket = new WebSocket(page.webSocketDebuggerUrl, { maxPayload: 64 * 1024 * 1024 });
      await once(socket, 'open');
      await sleep(settleMs);
      socket.send(JSON.stringify({ id: 1, method: 'Page.captureScreenshot', params: { format: 'png' } }));
      for (;;) {
        const [message] = (await once(socket, 'message')) as [Buffer];
        const { id, result } = JSON.parse(message.toString()) as Answer;
        if (id !== 1 || result?.data === undefined) continue;
        socket.close();
        return Buffer.from(result.data, 'base64');
      }
    },
    close: async () => {
      child.kill();
      await once(child, 'exit');
      profile.remove();
    },
  };
}

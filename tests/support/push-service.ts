import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { importJWK, jwtVerify, type JWTPayload } from 'jose';

import type { PushSubscription } from '../../protocol/rest/push.js';

/** A browser's side of a subscription: it alone can open what is sent to it. */
export class Subscriber {
  readonly subscription: PushSubscription;
  readonly #ecdh = createECDH('prime256v1');
  readonly #auth = randomBytes(16);

  constructor(endpoint: string) {
    const p256dh = this.#ecdh.generateKeys('base64url');
    this.subscription = { kind: 'web', endpoint, keys: { p256dh, auth: this.#auth.toString('base64url') } };
  }

  /** RFC 8188 and 8291, of one record. */
  open(body: Buffer): unknown {
    const [salt, idLength] = [body.subarray(0, 16), body.readUInt8(20)];
    const [sender, sealed] = [body.subarray(21, 21 + idLength), body.subarray(21 + idLength)];
    const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), this.#ecdh.getPublicKey(), sender]);
    const secret = Buffer.from(hkdfSync('sha256', this.#ecdh.computeSecret(sender), this.#auth, keyInfo, 32));
    const derived = (info: string, length: number) => Buffer.from(hkdfSync('sha256', secret, salt, `Content-Encoding: ${info}\0`, length));
    const decipher = createDecipheriv('aes-128-gcm', derived('aes128gcm', 16), derived('nonce', 12));
    decipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    return JSON.parse(padded.subarray(0, padded.lastIndexOf(2)).toString());
  }
}

export interface ReceivedPush {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly atMs: number;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A push service on this machine, as makers of browsers run them. */
export class PushService {
  readonly received: ReceivedPush[] = [];
  /** By the path of an endpoint; others are taken. */
  readonly answers = new Map<string, Answer>();
  #server: Server | undefined;
  #port = 0;

  async open(): Promise<void> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const path = request.url ?? '';
        this.received.push({ path, headers: request.headers, body: Buffer.concat(parts), atMs: Date.now() });
        const { status, headers = {} } = this.answers.get(path) ?? { status: 201 };
        response.writeHead(status, headers).end();
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** It may be opened again, at the same address. */
  async close(): Promise<void> {
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  subscriber(path: string): Subscriber {
    return new Subscriber(`${this.origin}${path}`);
  }

  of(path: string): readonly ReceivedPush[] {
    return this.received.filter((push) => push.path === path);
  }

  /** What the signature of a push says (RFC 8292), checked against the key it brings. */
  static async claims({ headers }: ReceivedPush): Promise<{ readonly publicKey: string; readonly payload: JWTPayload }> {
    const [, token = '', publicKey = ''] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization ?? '') ?? [];
    const point = Buffer.from(publicKey, 'base64url');
    const coordinate = (from: number) => point.subarray(from, from + 32).toString('base64url');
    const { payload } = await jwtVerify(token, await importJWK({ kty: 'EC', crv: 'P-256', x: coordinate(1), y: coordinate(33) }, 'ES256'));
    return { publicKey, payload };
  }
}

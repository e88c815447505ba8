import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Config } from './config/load-config.js';
import { Secret } from './config/secret.js';
import { keptSecret } from './kept-secret.js';
import { StartError } from './start-error.js';

const file = 'operator-token';

/** The configured token, or that of the directory, made at the first start. */
export function openOperatorToken({ network }: Config, keysDirectory: string): Secret {
  if (network.operatorToken !== undefined) return network.operatorToken;
  return new Secret(keptSecret(keysDirectory, file, () => `${randomBytes(32).toString('base64url')}\n`).trim());
}

/** Throws StartError. */
export function readOperatorToken(path: string): Secret {
  try {
    return new Secret(readFileSync(path, 'utf8').trim());
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StartError(`the operator token cannot be read from ${path} (${reason})`, 'name its file, or set HELIOGRAPH_OPERATOR_TOKEN');
  }
}

/** Of whoever asks a server: the configured token, or that of the server on this machine. Throws StartError. */
export function ownOperatorToken({ network, storage }: Config): Secret {
  return network.operatorToken ?? readOperatorToken(join(storage.dataDirectory, 'keys', file));
}

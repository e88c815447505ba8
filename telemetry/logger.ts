import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines. Fields that could carry something private never leave the process. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: ['*.token', '*.handle', '*.secret', '*.password', 'token', 'handle', 'secret', 'password'], censor: '[secret]' },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

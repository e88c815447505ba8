import { StartError } from '../app/start-error.js';
import { DomainError } from '../protocol/errors.js';
import { SdkError } from '../sdk/sdk-error.js';

/** A failure as one line for people; what nobody expected is shown with its stack. */
export function complain(error: unknown): void {
  console.error(`heliograph: ${textOf(error)}`);
}

function textOf(error: unknown): string {
  if (error instanceof DomainError)
    return error.retryAfterMs === undefined ? error.message : `${error.message}; try again in ${seconds(error.retryAfterMs)}`;
  if (error instanceof StartError) return `${error.message}; ${error.remedy}`;
  if (error instanceof SdkError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function seconds(ms: number): string {
  const rounded = Math.ceil(ms / 1_000);
  return rounded === 1 ? '1 second' : `${rounded} seconds`;
}

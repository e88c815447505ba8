import { ApplicationFailure } from '@temporalio/common';

import { DomainError, errorCodes } from '../protocol/errors.js';

/** How an error leaves an activity: expected ones under their code, retried only if the code says so; all others as they are, which Temporal retries. */
export function toActivityFailure(error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  const { code, message } = error;
  return ApplicationFailure.create({ type: code, message, nonRetryable: !errorCodes[code].retryable, cause: error });
}

type Activity<Args extends unknown[], Result> = (...args: Args) => Promise<Result>;

/** The activity with its errors mapped. */
export function withMappedErrors<Args extends unknown[], Result>(activity: Activity<Args, Result>): Activity<Args, Result> {
  return async (...args) => {
    try {
      return await activity(...args);
    } catch (error) {
      throw toActivityFailure(error);
    }
  };
}

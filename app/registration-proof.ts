import { createOpenRegistration } from '../adapters/registration/open-registration.js';
import { createPermitRegistration, permitKeyOf } from '../adapters/registration/permit-registration.js';
import type { Clock } from '../ports/clock.js';
import type { RegistrationProof } from '../ports/registration-proof.js';
import type { Logger } from '../telemetry/logger.js';
import type { Config } from './config/load-config.js';
import { StartError } from './start-error.js';

/** As configured. Throws StartError for a key that is none. */
export function chooseRegistrationProof({ gateway: { permitKey } }: Config, clock: Clock, logger: Logger): RegistrationProof {
  if (permitKey === undefined) {
    logger.warn('anybody who reaches this server may register: set HELIOGRAPH_REGISTRATION_PERMIT_KEY to change that');
    return createOpenRegistration();
  }
  try {
    return createPermitRegistration(permitKeyOf(permitKey), clock);
  } catch (error) {
    throw new StartError(`HELIOGRAPH_REGISTRATION_PERMIT_KEY: ${error instanceof Error ? error.message : String(error)}`, 'correct it');
  }
}

import { z } from 'zod';

/** Proof of a device's turn to be let in. Opaque to clients; it holds from the time that the device was told, for 30 s, at every gateway, however often it is shown. */
export const ticket = z.string().max(64);

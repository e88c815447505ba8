import type { DrainTarget, InboxDrainDependencies } from './drain-device.js';

/** Closes the session of a drain whose rounds all failed, unless it has another drain or is live by now. Answers whether it was closed. */
export async function giveUpDrain({ link, events }: Pick<InboxDrainDependencies, 'link' | 'events'>, target: DrainTarget): Promise<boolean> {
  const { device, token } = target.request;
  const answer = await link.to(target.gatewayId)?.giveUpDrain(device, token);
  if (answer !== 'closed') return false;
  events.sessionGivenUp(device);
  return true;
}

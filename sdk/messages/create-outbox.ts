import { ChannelSealer, type ChannelSealerDependencies } from '../channels/channel-sealer.js';
import { EnvelopeSealer, type EnvelopeSealerDependencies } from '../encryption/envelope-sealer.js';
import { GroupSealer } from '../groups/group-sealer.js';
import { Outbox, type OutboxDependencies } from './outbox.js';
import { OutgoingSealer, type OutgoingSealerDependencies } from './outgoing-sealer.js';

type Dependencies = EnvelopeSealerDependencies &
  ChannelSealerDependencies &
  Omit<OutboxDependencies, 'sealer'> &
  Pick<OutgoingSealerDependencies, 'conversations'>;

/** The outbox with all that seals for it. */
export function createOutbox(dependencies: Dependencies): Outbox {
  const sealer = new EnvelopeSealer(dependencies);
  const groups = new GroupSealer({ ...dependencies, sealer });
  const channels = new ChannelSealer(dependencies);
  return new Outbox({ ...dependencies, sealer: new OutgoingSealer({ ...dependencies, sealer, groups, channels }) });
}

import { sep } from 'node:path';

import Sequencer from '@jest/test-sequencer';

/** Suites that run for minutes begin first, so that no worker is left alone with one at the end; the many short ones fill the rest. */
const order = ['endurance', 'distributed', 'integration', 'workflows', 'contracts', 'unit'];

export default class LongSuitesFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => order.findIndex((room) => path.includes(`${sep}tests${sep}${room}${sep}`));
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}

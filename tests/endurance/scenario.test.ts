/**
 * The scenario: 10 accounts with 22 devices write to each other, in groups and in channels, while members and devices come and go and processes of the server and of the devices are killed, by a script that a seed makes.
 * At the end every device must show exactly what the model says: the messages that were accepted while it was entitled to them, in the order of the server's positions, after everything that was done to them.
 * `SCENARIO_SEEDS="17 18"` (or `100-130`) plays these instead of the usual ones; steps are the same for a seed, what happens at the same time may fall out otherwise.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { playScenario } from '../support/scenario/play-scenario.js';
import { writeScript } from '../support/scenario/write-script.js';
import { TestServer } from '../support/server.js';

const usualSeeds = '1 2';
let server: TestServer;
const figures: string[] = [];

beforeAll(async () => {
  server = await TestServer.start();
}, 120_000);
afterAll(async () => {
  console.log(figures.join('\n'));
  await server.stop();
});

function seedsOf(text: string): readonly number[] {
  return text.split(/[\s,]+/).flatMap((part) => {
    const [first = NaN, last = first] = part.split('-').map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last)) throw new Error(`SCENARIO_SEEDS: numbers, or ranges such as 1-30, not ${part}`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

describe('every device shows at the end what the model says', () => {
  test.each(seedsOf(process.env['SCENARIO_SEEDS'] ?? usualSeeds))(
    'with the script of seed %i',
    async (seed) => {
      const played = await playScenario(server, writeScript(seed));
      figures.push(played.figures);
      if (played.faults.length > 0) throw new Error(`SCENARIO_SEEDS=${seed} plays this again:\n${played.faults.join('\n')}`);
      expect(played.faults).toEqual([]);
    },
    240_000,
  );
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { InFlight } from '../../bench/load/in-flight.js';
import { Recorder } from '../../bench/load/recorder.js';

function measuring(): { recorder: Recorder; inFlight: InFlight } {
  const recorder = new Recorder();
  recorder.measure(0, 1_000_000);
  return { recorder, inFlight: new InFlight(recorder) };
}

describe('messages under way', () => {
  test('an exchange ends when its message is accepted and the receipt covers its position', () => {
    const { recorder, inFlight } = measuring();
    const number = inFlight.add(100);
    inFlight.delivered(number, 103);
    expect(inFlight.accepted(number, 7, 102)).toBe(0);
    expect(inFlight.receipted(6, 104)).toBe(0);
    expect(inFlight.receipted(7, 105)).toBe(1);
    expect(inFlight.size).toBe(0);
    expect(recorder.completed).toBe(1);
    expect(recorder.latency('accepted').p50Ms).toBeCloseTo(2, 1);
    expect(recorder.latency('delivered').p50Ms).toBeCloseTo(3, 1);
    expect(recorder.latency('receipted').p50Ms).toBeCloseTo(5, 1);
  });

  test('one receipt ends every exchange up to its position', () => {
    const { inFlight } = measuring();
    const numbers = [1, 2, 3, 4].map(() => inFlight.add(0));
    numbers.forEach((number, index) => inFlight.accepted(number, index * 10, 1));
    expect(inFlight.receipted(20, 2)).toBe(3);
    expect(inFlight.size).toBe(1);
  });

  test('a receipt that overtakes the acceptance is remembered', () => {
    const { inFlight } = measuring();
    const number = inFlight.add(0);
    expect(inFlight.receipted(5, 1)).toBe(0);
    expect(inFlight.accepted(number, 5, 2)).toBe(1);
  });

  test('a second delivery counts as a duplicate, also after the exchange ended', () => {
    const { recorder, inFlight } = measuring();
    const number = inFlight.add(0);
    inFlight.delivered(number, 1);
    inFlight.delivered(number, 2);
    inFlight.accepted(number, 1, 2);
    inFlight.receipted(1, 3);
    inFlight.delivered(number, 4);
    expect(recorder.counts()).toMatchObject({ delivered: 1, duplicates: 2 });
  });

  test('a refused message ends without an exchange and does not hold up the others', () => {
    const { recorder, inFlight } = measuring();
    const refused = inFlight.add(0);
    const next = inFlight.add(0);
    inFlight.accepted(next, 1, 1);
    expect(inFlight.receipted(1, 2)).toBe(0);
    expect(inFlight.refused(refused, 3)).toBe(2);
    expect(recorder.counts().receipted).toBe(1);
  });

  test('whatever the order of answers, every message ends exactly once', () => {
    const bursts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(bursts, fc.nat(), (sizes, seed) => {
        const { recorder, inFlight } = measuring();
        let ended = 0;
        let accepted = 0;
        sizes.forEach((size, burst) => {
          const numbers = Array.from({ length: size }, () => inFlight.add(burst));
          if ((seed + burst) % 3 === 0) ended += inFlight.receipted(accepted + Math.floor(size / 2), burst);
          for (const number of numbers) ended += inFlight.accepted(number, ++accepted, burst);
        });
        ended += inFlight.receipted(accepted, sizes.length);
        expect({ ended, left: inFlight.size, receipted: recorder.counts().receipted }).toEqual({ ended: accepted, left: 0, receipted: accepted });
      }),
    );
  });
});

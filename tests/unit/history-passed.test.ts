import { describe, expect, test } from '@jest/globals';

import { createHistoryPassed } from '../../activities/history-passed.js';
import { positionOf } from '../../core/position.js';
import { conversationNumber } from '../support/drain-stage.js';

describe('whether the history-writer passed a position', () => {
  const progress = [
    { partition: 1, end: 9, committed: 5 },
    { partition: 0, end: 9, committed: 0 },
  ];
  const passed = createHistoryPassed(
    { partitionOf: (_, key) => (key === conversationNumber(1) ? 1 : 2), progress: () => Promise.resolve(progress) },
    'history-writer',
  );

  test('is told by the committed offset of its partition', async () => {
    expect(await passed(conversationNumber(1), positionOf(1, 4))).toBe(true);
    expect(await passed(conversationNumber(1), positionOf(1, 5))).toBe(false);
  });

  test('is no where nothing was committed yet', async () => {
    expect(await passed(conversationNumber(2), positionOf(1, 0))).toBe(false);
  });
});

// Mocha's reporter for this project: failures in full, skipped tests with their reason, and last "N passed, N failed" alone on a line.
// Who is told to stop finishes the test at hand and takes down what the suites put up: Mocha itself would end on the spot.
const mocha = require("mocha");

const { Runner } = mocha;
const { Base } = mocha.reporters;

class Reporter extends Base {
  constructor(runner, options) {
    super(runner, options);
    const skipped = new Map();
    const failures = [];
    let passed = 0;
    const slow = [];
    runner.on(Runner.constants.EVENT_TEST_PASS, test => {
      passed++;
      if (test.duration > 3_000) slow.push(test);
      if (process.env.VERBOSE) console.log(`ok ${test.fullTitle()} (${test.duration} ms)`);
    });
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => {
      failures.push(test);
      test.err = error;
      console.log(`FAILED ${test.fullTitle()}\n  ${error.stack ?? error.message}`);
    });
    runner.on(Runner.constants.EVENT_TEST_PENDING, test => {
      const reason = test.skipReason ?? test.parent?.skipReason ?? "no reason given";
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    });
    let isStopped = false;
    const stop = () => {
      isStopped = true;
      runner.abort();
    };
    // Mocha's launcher passes the first on and sends the other behind it.
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      if (isStopped) {
        console.log("stopped before the end");
        runner.failures++; // For the exit code.
      }
      if (failures.length > 0) Base.list(failures);
      for (const test of slow) console.log(`slow: ${test.duration} ms ${test.fullTitle()}`);
      const total = [...skipped.values()].reduce((sum, count) => sum + count, 0);
      console.log(`${total} skipped`);
      for (const [reason, count] of skipped) console.log(`  ${count}: ${reason}`);
      console.log(`${passed} passed, ${failures.length + (isStopped ? 1 : 0)} failed`);
    });
  }
}

module.exports = Reporter;

/** A reporter of vitest's that writes to the file `REPORT` how many tests passed, and all that failed. */
import { writeFileSync } from 'node:fs';

export default class {
  onTestRunEnd(modules, unhandledErrors) {
    let passed = 0;
    const failures = [];
    const add = (name, file, errors) => failures.push({ name, file, message: errors.map(text).join('\n') });
    for (const module of modules) {
      const file = module.relativeModuleId;
      if (module.errors().length > 0) add('(does not load)', file, module.errors());
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) add(`${suite.fullName} (its hooks)`, file, suite.errors());
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed') passed++;
        if (state === 'failed') add(test.fullName, file, errors);
      }
    }
    for (const error of unhandledErrors)
      add(`(unhandled) ${error.VITEST_TEST_NAME ?? ''}`.trim(), error.VITEST_TEST_PATH ?? '', [error]);
    writeFileSync(process.env.REPORT, JSON.stringify({ passed, failures }));
  }
}

/** The message, how the values differ, and where in our files. */
function text({ message, diff, stack = '' }) {
  const places = stack.split('\n').filter((line) => / at .*\/(src|test)\//.test(line));
  return [message, diff, ...places].filter((part) => part).join('\n');
}

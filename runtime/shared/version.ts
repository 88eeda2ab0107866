/** Version of this repository; a test holds it to package.json. A constant, so that bundles depend on nothing else. */
export const version = '0.1.0';

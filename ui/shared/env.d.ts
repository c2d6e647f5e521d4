// What the build defines: `__FAKE__` is true only in the test builds on the in-page backend.
declare const __FAKE__: boolean;

/* one.js
 * Copyright (C) 2026 Nobody */
function one() { return ['one']; }

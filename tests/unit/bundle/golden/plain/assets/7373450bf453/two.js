'use strict'
undeclared = order.concat('two')
# The comments of checkpoint.h as Doxygen wants them: three slashes, and numbers of a list one below the other.
1i /// @file
s|^//  ([0-9])\. |/// \1. |
s|^// ([0-9]{2})\. |/// \1. |
s|^( *)//( ?)|\1///\2|
s|^/{4,}|///|
